#include "kernels.h"

#if SPIKESCOPE_ARM64

namespace spikescope {
namespace neon {
namespace {

std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node, const Convolution& operation) {
  if (auto kernel = make_depthwise(graph, node, operation)) return kernel;
  return make(graph, node, operation);
}

template <typename Operation>
std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node, const Operation& operation) {
  return make(graph, node, operation);
}

/** What only moves bytes is left to the scalar set. */
std::unique_ptr<Kernel> make_any(const Graph&, const Node&, const Concat&) { return nullptr; }
std::unique_ptr<Kernel> make_any(const Graph&, const Node&, const Flatten&) { return nullptr; }
std::unique_ptr<Kernel> make_any(const Graph&, const Node&, const Pad&) { return nullptr; }
/** The scalar set's loops are vectors already. */
std::unique_ptr<Kernel> make_any(const Graph&, const Node&, const Extremum&) { return nullptr; }
std::unique_ptr<Kernel> make_any(const Graph&, const Node&, const ChannelMaximum&) { return nullptr; }

std::unique_ptr<Kernel> make_node(const Graph& graph, const Node& node) {
  return std::visit([&](const auto& operation) { return make_any(graph, node, operation); }, node.operation);
}

}  // namespace
}  // namespace neon

const KernelFactory kNeonKernels{neon::make_node, neon::make_head};

}  // namespace spikescope

#endif
