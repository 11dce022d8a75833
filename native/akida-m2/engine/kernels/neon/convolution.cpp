#include "kernels.h"

#if SPIKESCOPE_ARM64

#include "matrix_kernels.h"

namespace spikescope::neon {

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Convolution& operation) {
  return std::make_unique<ConvolutionKernel<Widening>>(graph.tensor(node.inputs[0]), node, operation);
}

}  // namespace spikescope::neon

#endif
