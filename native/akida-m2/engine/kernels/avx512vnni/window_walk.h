#pragma once

#include "tile.h"

#if SPIKESCOPE_X86

#include "../im2col_view.h"

namespace spikescope::avx512vnni {

/** Goes from window to window, row after row. */
class WindowWalk {
 public:
  WindowWalk(const Im2colView& view, const uint8_t* input, int32_t first_row)
      : first_(input + view.window_offset(first_row, 0)),
        row_step_(view.window_offset(1, 0)),
        column_step_(view.window_offset(0, 1)),
        columns_(view.columns()),
        row_(first_),
        window_(first_) {}

  /** @return `pixel`, whose window comes next */
  int32_t go_to(int32_t pixel) {
    if (pixel != next_) {
      row_ = first_ + static_cast<size_t>(pixel / columns_) * row_step_;
      column_ = pixel % columns_;
      window_ = row_ + static_cast<size_t>(column_) * column_step_;
      next_ = pixel;
    }
    return pixel;
  }

  template <int Pixels>
  SPIKESCOPE_INLINE512 GatheredWindows<Pixels> take() {
    return take(std::make_integer_sequence<int, Pixels>());
  }

 private:
  template <int... P>
  SPIKESCOPE_INLINE512 GatheredWindows<sizeof...(P)> take(std::integer_sequence<int, P...>) {
    return {{(static_cast<void>(P), advance())...}};
  }

  SPIKESCOPE_INLINE512 const uint8_t* advance() {
    const uint8_t* const window = window_;
    window_ += column_step_;
    next_++;
    if (++column_ == columns_) {
      column_ = 0;
      row_ += row_step_;
      window_ = row_;
    }
    return window;
  }

  const uint8_t* const first_;
  const size_t row_step_;
  const size_t column_step_;
  const int32_t columns_;
  const uint8_t* row_;
  const uint8_t* window_;
  int32_t column_ = 0;
  /** Number of the pixel whose window comes next. */
  int32_t next_ = 0;
};

}  // namespace spikescope::avx512vnni

#endif
