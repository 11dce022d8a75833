#include <algorithm>

#include "image.h"

namespace spikescope::imaging {
namespace {

/** BT.601 full range, times 2^16; the judge in TypeScript has the same integers. */
constexpr int32_t kRedOfV = 91881;     // 1.402
constexpr int32_t kGreenOfU = -22554;  // −0.344136
constexpr int32_t kGreenOfV = -46802;  // −0.714136
constexpr int32_t kBlueOfU = 116130;   // 1.772
constexpr int32_t kHalf = 1 << 15;

uint8_t clamped(int32_t value) { return static_cast<uint8_t>(std::clamp(value >> 16, 0, 255)); }

}  // namespace

const uint8_t* YuvImage::row(int64_t y, int64_t x, int64_t length, uint8_t* scratch) const {
  const uint8_t* const luminance = planes + y * stride;
  const uint8_t* const u_row = planes + height * stride + (y / 2) * (stride / 2);
  const uint8_t* const v_row = u_row + (height / 2) * (stride / 2);
  for (int64_t i = 0; i < length; i++) {
    const int64_t column = x + i;
    const int32_t base = (int32_t{luminance[column]} << 16) + kHalf;
    const int32_t u = u_row[column / 2] - 128;
    const int32_t v = v_row[column / 2] - 128;
    scratch[i * 3] = clamped(base + kRedOfV * v);
    scratch[i * 3 + 1] = clamped(base + kGreenOfU * u + kGreenOfV * v);
    scratch[i * 3 + 2] = clamped(base + kBlueOfU * u);
  }
  return scratch;
}

}  // namespace spikescope::imaging
