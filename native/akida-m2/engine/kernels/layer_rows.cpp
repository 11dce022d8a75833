#include "layer_rows.h"

#include <algorithm>

namespace spikescope {

LayerRows rows_of(const Dense& operation, int32_t inputs, int32_t input_zero_point) {
  return {operation.weights.data(),
          operation.bias.data(),
          operation.requantisation.multiplier.data(),
          operation.requantisation.shift.data(),
          static_cast<int32_t>(operation.bias.size()),
          1,
          inputs,
          input_zero_point};
}

LayerRows rows_of_depthwise(const Convolution& operation, int32_t input_zero_point) {
  return {operation.weights.data(),
          operation.bias.data(),
          operation.requantisation.multiplier.data(),
          operation.requantisation.shift.data(),
          static_cast<int32_t>(operation.bias.size()),
          1,
          operation.window.area(),
          input_zero_point};
}

AlignedMemory pack_rows(const Head& head, size_t row_bytes) {
  AlignedMemory memory = allocate_aligned(row_bytes * head.classes());
  const size_t elements = head.weights.size() / head.classes();
  for (size_t c = 0; c < head.classes(); c++) {
    std::copy_n(head.weights.data() + c * elements, elements, reinterpret_cast<int8_t*>(memory.get()) + c * row_bytes);
  }
  return memory;
}

std::vector<int32_t> folded_biases(const Head& head, int32_t input_zero_point) {
  const std::vector<int16_t> no_multiplier(head.classes());
  const std::vector<uint8_t> no_shift(head.classes());
  const auto classes = static_cast<int32_t>(head.classes());
  const LayerRows layer{head.weights.data(), head.bias.data(), no_multiplier.data(), no_shift.data(), classes, 1,
                        static_cast<int32_t>(head.weights.size()) / classes, input_zero_point};
  std::vector<int32_t> biases;
  for (int32_t c = 0; c < classes; c++) biases.push_back(folded_bias(layer, c));
  return biases;
}

}  // namespace spikescope
