#pragma once

#include <array>
#include <cstdint>

#include "image.h"

namespace spikescope::imaging {

/** Side of the square on which luminance and focus are measured, pixels. */
constexpr int64_t kQualitySide = 128;

/** Exact sums, so that whoever divides them gets the same figures everywhere. */
struct Quality {
  /** Pixels of the square at 0 and at 255, per channel. */
  std::array<int64_t, 3> low_clip{};
  std::array<int64_t, 3> high_clip{};
  /** Of luminance (77 R + 150 G + 29 B + 128) >> 8 on the square resampled to kQualitySide. */
  int64_t luminance_minimum = 255;
  int64_t luminance_maximum = 0;
  int64_t luminance_sum = 0;
  int64_t luminance_squares = 0;
  /** Of the Laplacian (four neighbours − 4 × centre) of that luminance, inner pixels only. */
  int64_t laplacian_sum = 0;
  int64_t laplacian_squares = 0;
};

/**
 * `square` lies within `image`.
 * @param working the square resampled to RGB: kQualitySide × kQualitySide × 3 bytes
 */
Quality measure_quality(const RgbImage& image, const Square& square, uint8_t* working);
Quality measure_quality(const YuvImage& image, const Square& square, uint8_t* working);

}  // namespace spikescope::imaging
