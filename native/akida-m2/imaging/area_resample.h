#pragma once

#include <cstdint>
#include <vector>

namespace spikescope::imaging {

/** 8-bit RGB, row after row without gaps. */
struct Image {
  const uint8_t* rgb;
  int64_t width;
  int64_t height;
};

/** A square within an image, pixels. */
struct Square {
  int64_t x;
  int64_t y;
  int64_t side;
};

constexpr int64_t kMaximumSide = 16384;

/**
 * Area resampling of a square to size × size, exact: along each axis a source pixel is `size` units long and an output
 * pixel `side` units, and an output value is the mean of what it covers, half rounded up. Enlarges as well.
 * `square` lies in `image`; `side` and `size` in 1…kMaximumSide; `output`: size × size × 3.
 */
void area_resample(const Image& image, const Square& square, int64_t size, uint8_t* output);

}  // namespace spikescope::imaging
