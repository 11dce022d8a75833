#include "kernels.h"

#if SPIKESCOPE_ARM64

#include "../neon/matrix_kernels.h"
#include "dot.h"

namespace spikescope::neondot {

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Dense& operation) {
  return std::make_unique<neon::DenseKernel<Dot>>(graph.tensor(node.inputs[0]), node.output, operation);
}

std::unique_ptr<HeadKernel> make_head(const Graph& graph) {
  return std::make_unique<neon::Potentials<Dot>>(graph.tensor(graph.head.input), graph.head);
}

}  // namespace spikescope::neondot

#endif
