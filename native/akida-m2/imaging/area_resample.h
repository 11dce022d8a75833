#pragma once

#include <cstdint>

#include "image.h"

namespace spikescope::imaging {

/**
 * Area resampling of a square to size × size, exact: along each axis a source pixel is `size` units long and an output
 * pixel `side` units, and an output value is the mean of what it covers, half rounded up. Enlarges as well.
 * `square` lies in `image`; `side` and `size` in 1…kMaximumSide; `output`: size × size × 3.
 */
void area_resample(const RgbImage& image, const Square& square, int64_t size, uint8_t* output);

/** The same of the colours of a YUV image, converted row by row on the way. */
void area_resample(const YuvImage& image, const Square& square, int64_t size, uint8_t* output);

}  // namespace spikescope::imaging
