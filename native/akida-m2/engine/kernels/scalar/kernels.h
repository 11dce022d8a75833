#pragma once

#include <memory>

#include "../../kernel.h"

namespace spikescope::scalar {

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Convolution& operation);
std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Dense& operation);
std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Add& operation);
std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Concat& operation);
std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Multiply& operation);
std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Table& operation);
std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const AveragePool& operation);
std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const MaxPool& operation);
std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Flatten& operation);
std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Pad& operation);
std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Select& operation);
std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Extremum& operation);
std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const ChannelMaximum& operation);
/** One output per input channel. */
std::unique_ptr<Kernel> make_depthwise(const Graph& graph, const Node& node, const Convolution& operation);
std::unique_ptr<HeadKernel> make_head(const Graph& graph);

}  // namespace spikescope::scalar
