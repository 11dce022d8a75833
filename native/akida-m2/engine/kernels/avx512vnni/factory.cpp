#include "kernels.h"

#if SPIKESCOPE_X86

namespace spikescope {
namespace avx512vnni {
namespace {

std::unique_ptr<Kernel> make_any(const Graph& graph, const Node& node, const Convolution& operation) {
  if (auto kernel = make_depthwise3x3_columns(graph, node, operation)) return kernel;
  if (auto kernel = make_depthwise3x3(graph, node, operation)) return kernel;
  if (auto kernel = make_image_convolution(graph, node, operation)) return kernel;
  if (auto kernel = make_depthwise_taps(graph, node, operation)) return kernel;
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

template <typename Other>
std::unique_ptr<Kernel> make_any(const Graph&, const Node&, const Other&) {
  return nullptr;
}

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node) {
  return std::visit([&](const auto& operation) { return make_any(graph, node, operation); }, node.operation);
}

}  // namespace
}  // namespace avx512vnni

const KernelFactory kAvx512VnniKernels{avx512vnni::make, avx512vnni::make_head, avx512vnni::make_fused};

}  // namespace spikescope

#endif
