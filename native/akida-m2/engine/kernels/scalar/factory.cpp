#include "kernels.h"

namespace spikescope {
namespace {

std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node) {
  return std::visit([&](const auto& operation) { return scalar::make(graph, node, operation); }, node.operation);
}

}  // namespace

const KernelFactory kScalarKernels{make_any, scalar::make_head};

}  // namespace spikescope
