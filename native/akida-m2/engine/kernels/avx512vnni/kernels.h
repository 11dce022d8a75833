#pragma once

#include <memory>

#include "../../kernel.h"
#include "../../target.h"

/** Each returns null for a case that it leaves to the set below. */
namespace spikescope::avx512vnni {

std::unique_ptr<Kernel> make_convolution(const Graph& graph, const Node& node, const Convolution& operation);
std::unique_ptr<Kernel> make_image_convolution(const Graph& graph, const Node& node, const Convolution& operation);
std::unique_ptr<Kernel> make_depthwise(const Graph& graph, const Node& node, const Convolution& operation);
std::unique_ptr<Kernel> make_depthwise_taps(const Graph& graph, const Node& node, const Convolution& operation);
std::unique_ptr<Kernel> make_depthwise3x3(const Graph& graph, const Node& node, const Convolution& operation);
std::unique_ptr<Kernel> make_depthwise3x3_columns(const Graph& graph, const Node& node, const Convolution& operation);
std::unique_ptr<Kernel> make_dense(const Graph& graph, const Node& node, const Dense& operation);
std::unique_ptr<Kernel> make_add(const Graph& graph, const Node& node, const Add& operation);
std::unique_ptr<Kernel> make_multiply(const Graph& graph, const Node& node, const Multiply& operation);
std::unique_ptr<Kernel> make_table(const Graph& graph, const Node& node, const Table& operation);
std::unique_ptr<Kernel> make_average_pool(const Graph& graph, const Node& node, const AveragePool& operation);
std::unique_ptr<Kernel> make_fused(const Graph& graph, const Fusion& fusion);
std::unique_ptr<HeadKernel> make_head(const Graph& graph);

}  // namespace spikescope::avx512vnni
