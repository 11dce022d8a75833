#include "kernels.h"

#if SPIKESCOPE_X86

namespace spikescope {
namespace avx2 {
namespace {

std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node, const Convolution& operation) {
  if (auto kernel = make_depthwise(graph, node, operation)) return kernel;
  return make_convolution(graph, node, operation);
}

std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node, const Dense& operation) {
  return make_dense(graph, node, operation);
}

std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node, const Add& operation) {
  return make_add(graph, node, operation);
}

std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node, const Multiply& operation) {
  return make_multiply(graph, node, operation);
}

std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node, const Table& operation) {
  return make_table(graph, node, operation);
}

std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node, const AveragePool& operation) {
  return make_average_pool(graph, node, operation);
}

std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node, const MaxPool& operation) {
  return make_max_pool(graph, node, operation);
}

std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node, const Select& operation) {
  return make_select(graph, node, operation);
}

template <typename Other>
std::unique_ptr<Kernel> make_any(const Graph&, const Node&, const Other&) {
  return nullptr;
}

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node) {
  return std::visit([&](const auto& operation) { return make_any(graph, node, operation); }, node.operation);
}

}  // namespace
}  // namespace avx2

const KernelFactory kAvx2Kernels{avx2::make, avx2::make_head};

}  // namespace spikescope

#endif
