#pragma once

#include <algorithm>

#include "../graph.h"

namespace spikescope {

/** The part of one window that lies in the image. */
struct PoolWindow {
  /** Of its first pixel. */
  size_t offset;
  int32_t rows;
  int32_t columns;
};

inline PoolWindow pool_window_at(const Shape& input, const Window& window, int32_t y, int32_t x) {
  const int32_t row = y * window.stride_height - window.padding.top;
  const int32_t column = x * window.stride_width - window.padding.left;
  const int32_t top = std::max(row, 0);
  const int32_t left = std::max(column, 0);
  const auto pixel = static_cast<size_t>(top) * static_cast<size_t>(input.width) + static_cast<size_t>(left);
  return {pixel * static_cast<size_t>(input.channels), std::min(row + window.kernel_height, input.height) - top,
          std::min(column + window.kernel_width, input.width) - left};
}

}  // namespace spikescope
