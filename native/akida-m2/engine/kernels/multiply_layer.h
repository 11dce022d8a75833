#pragma once

#include <cstddef>
#include <cstdint>

#include "../graph.h"

namespace spikescope {

/** What a gate multiply needs to know, whatever the instruction set. */
struct MultiplyLayer {
  MultiplyLayer(const Graph& graph, const Node& node, const Multiply& operation)
      : length(node.output.shape.elements()),
        gate_length(graph.tensor(node.inputs[1]).shape.elements()),
        value_zero_point(graph.tensor(node.inputs[0]).zero_point),
        gate_zero_point(graph.tensor(node.inputs[1]).zero_point),
        zero_point(node.output.zero_point),
        multiplier(operation.requantisation.multiplier[0]),
        shift(operation.requantisation.shift[0]),
        clamp(operation.clamp) {}

  /** Whether products are those of unsigned bytes. */
  bool is_unsigned() const { return value_zero_point == 0 && gate_zero_point == 0; }

  /** Whether products are those of unsigned bytes, and they and the shift's rounding term fit in 16 bits together. */
  bool fits_unsigned() const { return is_unsigned() && shift <= 9; }

  size_t length;
  size_t gate_length;
  int32_t value_zero_point;
  int32_t gate_zero_point;
  int32_t zero_point;
  int16_t multiplier;
  int32_t shift;
  Clamp clamp;
};

}  // namespace spikescope
