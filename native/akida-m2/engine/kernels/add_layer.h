#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../graph.h"

namespace spikescope {

/** What an add needs to know, its inputs taken two at a time, whatever the instruction set. */
struct AddLayer {
  struct Pair {
    size_t first;
    /** The first again where the number of inputs is odd; its multiplier is then zero. */
    size_t second;
    /** Of the first in the lower half, of the second in the upper. */
    int32_t multipliers;
  };

  AddLayer(const Graph& graph, const Node& node, const Add& operation)
      : length(node.output.shape.elements()),
        zero_point(node.output.zero_point),
        shift(operation.shift),
        start(shift == 0 ? 0 : 1 << (shift - 1)),
        clamp(operation.clamp) {
    for (size_t i = 0; i < node.inputs.size(); i += 2) {
      const bool two = i + 1 < node.inputs.size();
      const auto first = static_cast<uint32_t>(operation.multipliers[i]);
      const auto second = two ? static_cast<uint32_t>(operation.multipliers[i + 1]) : 0;
      pairs.push_back({i, two ? i + 1 : i, static_cast<int32_t>(first | second << 16)});
      start -= graph.tensor(node.inputs[i]).zero_point * operation.multipliers[i];
      if (two) start -= graph.tensor(node.inputs[i + 1]).zero_point * operation.multipliers[i + 1];
    }
  }

  size_t length;
  int32_t zero_point;
  int32_t shift;
  /** The rounding term of the shift less what the zero points bring in. */
  int32_t start;
  Clamp clamp;
  std::vector<Pair> pairs;
};

}  // namespace spikescope
