#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "packed_layer.h"

/** Layers seen as rows of weights, the same for every instruction set. */
namespace spikescope {

/** A dense layer over `inputs` values. */
LayerRows rows_of(const Dense& operation, int32_t inputs, int32_t input_zero_point);

/** A depthwise convolution: each channel's row is its kernel. */
LayerRows rows_of_depthwise(const Convolution& operation, int32_t input_zero_point);

/** The head's weights, each class's row filled up with zeros to `row_bytes`. */
AlignedMemory pack_rows(const Head& head, size_t row_bytes);

/** Per class: what a sum of plain q × w must start from. */
std::vector<int32_t> folded_biases(const Head& head, int32_t input_zero_point);

}  // namespace spikescope
