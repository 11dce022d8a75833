#include "kernels.h"

#if SPIKESCOPE_ARM64

#include "../neon/matrix_kernels.h"
#include "dot.h"
#include "tile.h"

namespace spikescope::neondot {

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Convolution& operation) {
  return std::make_unique<neon::ConvolutionKernel<Dot>>(graph.tensor(node.inputs[0]), node, operation);
}

}  // namespace spikescope::neondot

#endif
