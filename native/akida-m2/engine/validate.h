#pragma once

#include "graph.h"

namespace spikescope {

/** Largest |accumulator| that any layer may reach on any input. */
constexpr int64_t kAccumulatorLimit = int64_t{1} << 30;
/** Largest tensor, in elements, and largest height, width, channel count, kernel side or stride. */
constexpr int64_t kElementLimit = int64_t{1} << 26;
/** Largest sum of all tensors, in elements. */
constexpr int64_t kTotalLimit = int64_t{1} << 28;
constexpr int64_t kExtentLimit = int64_t{1} << 24;

/**
 * Checks a graph whose values already have the right types and whose tensor numbers point backwards: shapes,
 * lengths, ranges, and that no accumulator can leave ±kAccumulatorLimit. Kernels rely on every one of these.
 * @throws Fault GRAPH_INVALID, GRAPH_ACCUMULATOR
 */
void validate(const Graph& graph);

}  // namespace spikescope
