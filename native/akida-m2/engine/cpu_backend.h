#pragma once

#include <string>
#include <utility>
#include <vector>

#include "../device/backend.h"
#include "arena.h"
#include "graph.h"
#include "plan.h"
#include "thread_pool.h"

namespace spikescope {

struct CpuOptions {
  InstructionSet instruction_set = InstructionSet::scalar;
  /** Images of one batch are spread over this many threads, each with its own part of the arena. */
  size_t threads = 1;
  /** Keep every tensor after a run; needed by `trace`. */
  bool keep_tensors = false;
};

/** How long one step takes, and the nodes that it computes. */
struct StepTime {
  std::vector<std::string> nodes;
  /** Median over the rounds. */
  double nanoseconds = 0;
};

/** The bit-exact integer engine. */
class CpuBackend final : public Backend {
 public:
  /** @throws Fault as `validate` does; std::bad_alloc */
  CpuBackend(Graph graph, const CpuOptions& options);

  size_t input_bytes() const override { return plan_.input_bytes; }
  size_t classes() const override { return plan_.classes; }
  size_t embedding_bytes() const override { return plan_.embedding_bytes; }
  size_t arena_bytes() const override { return plan_.arena_bytes * threads_; }
  std::string instruction_set() const override { return name_of(options_.instruction_set); }
  void infer(const uint8_t* inputs, size_t count, int32_t* potentials, uint8_t* embeddings) override;

  /** Runs one image `rounds` times on the caller's thread; one entry per step, the head being the last, without nodes. */
  std::vector<StepTime> profile(const uint8_t* input, size_t rounds) const;

  bool keeps_tensors() const { return options_.keep_tensors; }
  const std::vector<TracedTensor>& tensors() const { return plan_.tensors; }
  /** Copies a tensor of `tensors()`, as the last image left it, to `output`. */
  void copy_tensor(const TracedTensor& tensor, uint8_t* output) const;

 private:
  void run_step(const Step& step, uint8_t* arena) const;
  void run_image(const uint8_t* input, int32_t* potentials, uint8_t* embedding, uint8_t* arena) const;

  class Batch;

  const CpuOptions options_;
  const size_t threads_;
  const Plan plan_;
  const AlignedMemory arena_;
  ThreadPool pool_;
};

}  // namespace spikescope
