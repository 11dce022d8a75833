#pragma once

#include "matrix_shape.h"

namespace spikescope {

/** Pixels at equal distances. */
struct StridedPixels {
  const uint8_t* first_window;
  size_t window_step;
  uint8_t* first_output;
  size_t output_step;

  uint8_t* output(int pixel) const { return first_output + static_cast<size_t>(pixel) * output_step; }
};

}  // namespace spikescope
