#pragma once

#include <memory>

#include "../../kernel.h"
#include "../../target.h"

/** What gains from the dot product; all else is left to neon. Each returns null for a case that it leaves too. */
namespace spikescope::neondot {

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Convolution& operation);
std::unique_ptr<Kernel> make_depthwise3x3(const Graph& graph, const Node& node, const Convolution& operation);
std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Dense& operation);
std::unique_ptr<HeadKernel> make_head(const Graph& graph);

}  // namespace spikescope::neondot
