#include "kernels.h"

#if SPIKESCOPE_ARM64

#include "matrix_kernels.h"

namespace spikescope::neon {

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Dense& operation) {
  return std::make_unique<DenseKernel<Widening>>(graph.tensor(node.inputs[0]), node.output, operation);
}

std::unique_ptr<HeadKernel> make_head(const Graph& graph) {
  return std::make_unique<Potentials<Widening>>(graph.tensor(graph.head.input), graph.head);
}

}  // namespace spikescope::neon

#endif
