#pragma once

#include "im2col_view.h"

namespace spikescope {

/** Walks over the output pixels of a convolution, row after row, giving each one's window and place. */
class PixelCursor {
 public:
  PixelCursor(const Im2colView& view, const uint8_t* input, uint8_t* output, size_t output_stride)
      : view_(view), input_(input), output_(output), output_stride_(output_stride) {}

  const uint8_t* window() const { return input_ + view_.window_offset(row_, column_); }
  uint8_t* output() const { return output_; }

  /** Goes to the next pixel; stays on the last one. */
  void advance() {
    if (column_ + 1 < view_.columns()) {
      column_++;
    } else if (row_ + 1 < view_.rows()) {
      row_++;
      column_ = 0;
    } else {
      return;
    }
    output_ += output_stride_;
  }

 private:
  const Im2colView& view_;
  const uint8_t* const input_;
  uint8_t* output_;
  const size_t output_stride_;
  int32_t row_ = 0;
  int32_t column_ = 0;
};

}  // namespace spikescope
