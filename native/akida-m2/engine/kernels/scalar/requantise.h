#pragma once

#include <algorithm>
#include <cstdint>

#include "../../graph.h"

/** The one requantise primitive, as src/model/requantise.ts defines it. */
namespace spikescope::scalar {

/** value / 2^shift, ties towards +∞; |value| ≤ 2^30. */
inline int32_t rounding_shift_right(int32_t value, int32_t shift) {
  return shift == 0 ? value : (value + (int32_t{1} << (shift - 1))) >> shift;
}

inline uint8_t requantise(int32_t accumulator, int32_t multiplier, int32_t shift, int32_t zero_point,
                          const Clamp& clamp) {
  const int32_t narrowed = std::clamp(rounding_shift_right(accumulator, shift), -32768, 32767);
  const int32_t scaled = (narrowed * multiplier + (1 << 14)) >> 15;
  return static_cast<uint8_t>(std::clamp(scaled + zero_point, clamp.minimum, clamp.maximum));
}

}  // namespace spikescope::scalar
