#pragma once

#include <vector>

#include "../device/backend.h"
#include "../device/registry.h"
#include "arena.h"
#include "graph.h"
#include "instruction_set.h"
#include "plan.h"
#include "thread_pool.h"

namespace spikescope {

/** The bit-exact integer engine. */
class CpuBackend final : public Backend, public Diagnostics {
 public:
  /** @throws Fault INSTRUCTION_SET, THREADS, and as `validate` does; std::bad_alloc */
  CpuBackend(Graph graph, const BackendOptions& options);

  size_t input_bytes() const override { return plan_.input_bytes; }
  size_t classes() const override { return plan_.classes; }
  size_t embedding_bytes() const override { return plan_.embedding_bytes; }
  BackendDescription description() const override { return {instruction_set_.name, plan_.arena_bytes * threads_}; }
  void infer(const Batch& batch, const AbortSignal& abort) override;
  Diagnostics* diagnostics() override { return this; }

  std::vector<StepTime> profile(const uint8_t* input, size_t rounds) override;
  bool keeps_tensors() const override { return keep_tensors_; }
  std::vector<TensorSize> tensors() const override;
  void copy_tensor(size_t number, uint8_t* output) const override;

 private:
  void run_step(const Step& step, uint8_t* arena) const;
  void run_image(const uint8_t* input, int32_t* potentials, uint8_t* embedding, uint8_t* arena) const;

  class Images;

  const InstructionSet& instruction_set_;
  const size_t threads_;
  const bool keep_tensors_;
  const Plan plan_;
  const AlignedMemory arena_;
  ThreadPool pool_;
};

}  // namespace spikescope
