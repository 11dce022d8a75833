#pragma once

#include <cstdint>

namespace spikescope::views {

/** Steps of quantisation at a quality of 1…100. */
struct JpegSteps {
  alignas(32) int32_t luminance[64];
  alignas(32) int32_t chrominance[64];
};

JpegSteps jpeg_steps(int quality);

/** Every 8×8 block of a channel through cosine transform, quantisation, and back; values 0…255. */
void quantise_blocks(int32_t* values, int64_t width, int64_t height, const int32_t* steps);

}  // namespace spikescope::views
