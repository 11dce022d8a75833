#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace spikescope {

/** Whether a call is still wanted: raised on one thread while a backend computes on another. */
class AbortSignal {
 public:
  void raise() { raised_.store(true, std::memory_order_relaxed); }
  bool is_raised() const { return raised_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> raised_{false};
};

/** Images laid out one after the other, and where their results go. */
struct Batch {
  /** count × input_bytes() */
  const uint8_t* inputs;
  size_t count;
  /** count × classes() */
  int32_t* potentials;
  /** count × embedding_bytes() */
  uint8_t* embeddings;
};

struct BackendDescription {
  /** What runs the graph: an instruction set such as `avx512vnni`, or the card's name. */
  std::string runs_on;
  /** Working memory reserved when it was opened. */
  size_t arena_bytes = 0;
};

/** How long one step takes, and the nodes that it computes. */
struct StepTime {
  std::vector<std::string> nodes;
  /** Median over the rounds. */
  double nanoseconds = 0;
};

struct TensorSize {
  std::string name;
  size_t bytes = 0;
};

/** Looking into a backend: what only some can offer. Called while nothing is computed. */
class Diagnostics {
 public:
  /** Runs one image `rounds` times on this thread; one entry per step, the head being the last, without nodes. */
  virtual std::vector<StepTime> profile(const uint8_t* input, size_t rounds) = 0;

  /** Whether it was opened with `keep_tensors`, so that what follows may be called. */
  virtual bool keeps_tensors() const = 0;
  /** Every tensor, the input first. */
  virtual std::vector<TensorSize> tensors() const = 0;
  /** Copies a tensor, by its place in `tensors()`, as the last image left it. */
  virtual void copy_tensor(size_t number, uint8_t* output) const = 0;

 protected:
  ~Diagnostics() = default;
};

/**
 * One graph, opened on something that runs it: the processor (engine/cpu_backend.h) or a device. It holds all that it
 * needs, weights packed. The destructor closes it. Every wait, that of the destructor included, is bounded.
 */
class Backend {
 public:
  virtual ~Backend() = default;

  virtual size_t input_bytes() const = 0;
  virtual size_t classes() const = 0;
  virtual size_t embedding_bytes() const = 0;

  virtual BackendDescription description() const = 0;

  /**
   * Runs a batch of any size, which the backend divides as it likes; one call at a time.
   * Returns early, with any results, once `abort` is raised. Nothing is written to the batch's arrays afterwards.
   * @throws Fault DEVICE_* when it fails; then it is asked for nothing more, and has to be opened anew
   */
  virtual void infer(const Batch& batch, const AbortSignal& abort) = 0;

  /** Null where the backend cannot be looked into. */
  virtual Diagnostics* diagnostics() { return nullptr; }
};

}  // namespace spikescope
