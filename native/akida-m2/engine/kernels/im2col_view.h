#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "../graph.h"
#include "packed_layer.h"

namespace spikescope {

/**
 * The im2col matrix of a convolution as a view (implicit GEMM): nothing is copied but the border. Where the windows lie
 * in the (padded) input, and the runs of consecutive bytes that each is made of.
 */
class Im2colView {
 public:
  Im2colView(const Tensor& input, const Tensor& output, const Convolution& operation)
      : groups_(operation.groups),
        group_inputs_(input.shape.channels / operation.groups),
        group_outputs_(output.shape.channels / operation.groups) {
    const Window& window = operation.window;
    Shape padded = input.shape;
    if (!window.padding.none()) {
      copy_.emplace(input.shape, window.padding, operation.padding_values);
      padded = copy_->shape();
    }
    rows_ = output.shape.height;
    columns_ = output.shape.width;
    const auto pixel = static_cast<size_t>(padded.channels);
    const size_t row = static_cast<size_t>(padded.width) * pixel;
    row_step_ = static_cast<size_t>(window.stride_height) * row;
    column_step_ = static_cast<size_t>(window.stride_width) * pixel;
    if (window.area() == 1 && row_step_ == static_cast<size_t>(columns_) * column_step_) {
      columns_ *= rows_;
      rows_ = 1;
    }
    // One group meets whole rows of the window at once, several meet pixel by pixel.
    const bool whole_rows = groups_ == 1;
    run_length_ = whole_rows ? window.kernel_width * group_inputs_ : group_inputs_;
    for (int32_t y = 0; y < window.kernel_height; y++) {
      for (int32_t x = 0; x < (whole_rows ? 1 : window.kernel_width); x++) {
        run_offsets_.push_back(static_cast<size_t>(y) * row + static_cast<size_t>(x) * pixel);
      }
    }
    padded_bytes_ = copy_ ? padded.elements() + 128 : 0;
  }

  /** Scratch for the padded copy. */
  size_t scratch_bytes() const { return padded_bytes_; }

  /** The input, or its padded copy made in `scratch`. */
  const uint8_t* prepare(const uint8_t* input, uint8_t* scratch) const {
    if (!copy_) return input;
    copy_->run(input, scratch);
    return scratch;
  }

  int32_t rows() const { return rows_; }
  int32_t columns() const { return columns_; }
  int32_t groups() const { return groups_; }
  int32_t group_inputs() const { return group_inputs_; }
  int32_t group_outputs() const { return group_outputs_; }
  int32_t run_length() const { return run_length_; }
  const std::vector<size_t>& run_offsets() const { return run_offsets_; }

  /** First byte of the window of output pixel (row, column), for group 0. */
  size_t window_offset(int32_t row, int32_t column) const {
    return static_cast<size_t>(row) * row_step_ + static_cast<size_t>(column) * column_step_;
  }

  LayerRows layer_of(int32_t group, const Convolution& operation, int32_t zero_point) const {
    const auto first = static_cast<size_t>(group * group_outputs_);
    const auto runs = static_cast<int32_t>(run_offsets_.size());
    return {operation.weights.data() + first * static_cast<size_t>(runs) * static_cast<size_t>(run_length_),
            operation.bias.data() + first,
            operation.requantisation.multiplier.data() + first,
            operation.requantisation.shift.data() + first,
            group_outputs_,
            runs,
            run_length_,
            zero_point};
  }

 private:
  int32_t groups_;
  int32_t group_inputs_;
  int32_t group_outputs_;
  int32_t rows_;
  int32_t columns_;
  int32_t run_length_;
  size_t row_step_;
  size_t column_step_;
  size_t padded_bytes_;
  std::vector<size_t> run_offsets_;
  std::optional<PaddedCopy> copy_;
};

}  // namespace spikescope
