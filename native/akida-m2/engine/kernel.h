#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "fusion.h"
#include "graph.h"

namespace spikescope {

/** Bytes after every tensor in the arena that a kernel may read, never write, past the tensor's end. */
constexpr size_t kReadableSlack = 128;

/** Every tensor and scratch area in the arena starts at a multiple of this. */
constexpr size_t kAlignment = 64;

/**
 * One operator made ready to run: parameters bound, weights packed. `run` only reads the object, so several
 * threads may run it at once, each on its own memory.
 */
class Kernel {
 public:
  virtual ~Kernel() = default;

  /** Working memory needed by `run`, aligned to kAlignment. */
  virtual size_t scratch_bytes() const { return 0; }

  /** `inputs`: one pointer per input of the node. No input overlaps the output. */
  virtual void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const = 0;
};

/** The head made ready: potentials from an embedding. */
class HeadKernel {
 public:
  virtual ~HeadKernel() = default;
  virtual void run(const uint8_t* embedding, int32_t* potentials) const = 0;
};

/**
 * Makes kernels for one instruction set. Each member may return null for a case that it does not cover; the
 * caller then asks the set below. The scalar set covers every case.
 */
struct KernelFactory {
  std::unique_ptr<Kernel> (*make)(const Graph& graph, const Node& node);
  std::unique_ptr<HeadKernel> (*make_head)(const Graph& graph);
  /**
   * A kernel whose inputs are the convolution's and, if something is joined, the operand; null here where the set
   * fuses nothing. The fused operators give the same bytes as they do alone.
   */
  std::unique_ptr<Kernel> (*make_fused)(const Graph& graph, const Fusion& fusion) = nullptr;
};

extern const KernelFactory kScalarKernels;
extern const KernelFactory kAvx2Kernels;
extern const KernelFactory kAvx512VnniKernels;
extern const KernelFactory kNeonKernels;
extern const KernelFactory kNeonDotKernels;

}  // namespace spikescope
