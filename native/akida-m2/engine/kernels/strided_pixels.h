#pragma once

#include <cstddef>
#include <cstdint>

namespace spikescope {

/** What each window of a matrix product is made of. */
struct MatrixShape {
  const size_t* run_offsets;
  int32_t runs;
  /** 32-bit words per run. */
  int32_t steps;
};

/** Pixels at equal distances. */
struct StridedPixels {
  const uint8_t* first_window;
  size_t window_step;
  uint8_t* first_output;
  size_t output_step;
  /** What a following operator reads beside each output, laid out like it; null without one. */
  const uint8_t* first_operand = nullptr;

  uint8_t* output(int pixel) const { return first_output + static_cast<size_t>(pixel) * output_step; }
  const uint8_t* operand(int pixel) const { return first_operand + static_cast<size_t>(pixel) * output_step; }
};

}  // namespace spikescope
