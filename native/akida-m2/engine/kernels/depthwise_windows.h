#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "../kernel.h"
#include "packed_layer.h"

namespace spikescope {

inline bool is_depthwise(const Tensor& input, const Node& node, const Convolution& operation) {
  return operation.groups == input.shape.channels && node.output.shape.channels == operation.groups;
}

/** Stride 1, and an output for every place of the kernel in the padded input. */
inline bool is_unstrided_depthwise3x3(const Tensor& input, const Node& node, const Convolution& operation) {
  const Window& window = operation.window;
  const Shape& output = node.output.shape;
  return is_depthwise(input, node, operation) && window.kernel_height == 3 && window.kernel_width == 3 &&
         window.stride_height == 1 && window.stride_width == 1 &&
         output.height == input.shape.height + window.padding.top + window.padding.bottom - 2 &&
         output.width == input.shape.width + window.padding.left + window.padding.right - 2;
}

/** Where the windows of a depthwise convolution lie in the (padded) input, and how its channels are cut into blocks. */
class DepthwiseWindows {
 public:
  /** @param block channels that a kernel computes at once */
  DepthwiseWindows(const Tensor& input, const Node& node, const Convolution& operation, size_t block)
      : output_(node.output.shape), channels_(static_cast<size_t>(output_.channels)) {
    const Window& window = operation.window;
    Shape padded = input.shape;
    if (!window.padding.none()) {
      copy_.emplace(input.shape, window.padding, operation.padding_values);
      padded = copy_->shape();
      scratch_bytes_ = padded.elements() + kReadableSlack;
    }
    const size_t row = static_cast<size_t>(padded.width) * channels_;
    row_step_ = static_cast<size_t>(window.stride_height) * row;
    column_step_ = static_cast<size_t>(window.stride_width) * channels_;
    for (int32_t y = 0; y < window.kernel_height; y++) {
      for (int32_t x = 0; x < window.kernel_width; x++) {
        taps_.push_back(static_cast<size_t>(y) * row + static_cast<size_t>(x) * channels_);
      }
    }
    // The last block overlaps the one before it rather than being narrower.
    for (size_t first = 0; first < channels_; first += block) {
      starts_.push_back(channels_ >= block ? std::min(first, channels_ - block) : 0);
    }
  }

  size_t scratch_bytes() const { return scratch_bytes_; }

  /** The input, or its padded copy made in `scratch`. */
  const uint8_t* prepare(const uint8_t* input, uint8_t* scratch) const {
    if (!copy_) return input;
    copy_->run(input, scratch);
    return scratch;
  }

  const Shape& output() const { return output_; }
  size_t channels() const { return channels_; }
  /** Offset of each tap from the first of its window. */
  const std::vector<size_t>& taps() const { return taps_; }
  /** First channel of each block. */
  const std::vector<size_t>& starts() const { return starts_; }

  size_t offset(int32_t row, int32_t column) const {
    return static_cast<size_t>(row) * row_step_ + static_cast<size_t>(column) * column_step_;
  }

 private:
  const Shape output_;
  const size_t channels_;
  std::optional<PaddedCopy> copy_;
  size_t scratch_bytes_ = 0;
  size_t row_step_ = 0;
  size_t column_step_ = 0;
  std::vector<size_t> taps_;
  std::vector<size_t> starts_;
};

}  // namespace spikescope
