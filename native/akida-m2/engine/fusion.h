#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "graph.h"

namespace spikescope {

/**
 * A convolution and what follows it element by element: a table, then a multiplication or an addition with another
 * tensor of the same shape. They can be computed together, so that what lies between them is never stored.
 */
struct Fusion {
  /** Node numbers, rising. */
  size_t convolution = 0;
  std::optional<size_t> table;
  /** A `Multiply`, or an `Add` of two inputs. */
  std::optional<size_t> joining;
  /** The tensor that `joining` takes beside the convolution's. */
  size_t operand = 0;

  std::vector<size_t> nodes() const;
  /** The node whose output is stored. */
  size_t last() const { return joining ? *joining : *table; }
};

/** Every convolution without groups that something can be fused to, as much of it as can be. */
std::vector<Fusion> find_fusions(const Graph& graph);

/** How many nodes, the head included, read each tensor. */
std::vector<size_t> readers_of(const Graph& graph);

}  // namespace spikescope
