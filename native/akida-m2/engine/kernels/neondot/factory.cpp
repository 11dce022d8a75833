#include "../depthwise_windows.h"
#include "kernels.h"

#if SPIKESCOPE_ARM64

namespace spikescope {
namespace neondot {
namespace {

std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node, const Convolution& operation) {
  if (auto kernel = make_depthwise3x3(graph, node, operation)) return kernel;
  if (is_depthwise(graph.tensor(node.inputs[0]), node, operation)) return nullptr;
  return make(graph, node, operation);
}

std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node, const Dense& operation) {
  return make(graph, node, operation);
}

template <typename Other>
std::unique_ptr<Kernel> make_any(const Graph&, const Node&, const Other&) {
  return nullptr;
}

std::unique_ptr<Kernel> make_node(const Graph& graph, const Node& node) {
  return std::visit([&](const auto& operation) { return make_any(graph, node, operation); }, node.operation);
}

}  // namespace
}  // namespace neondot

const KernelFactory kNeonDotKernels{neondot::make_node, neondot::make_head};

}  // namespace spikescope

#endif
