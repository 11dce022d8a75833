#pragma once

#include <cstdint>

namespace spikescope::views {

/** Where pixel `index` of an axis of `length` pixels lies when both ends are mirrors. */
inline int64_t mirrored(int64_t index, int64_t length) {
  const int64_t once = index < 0 ? -1 - index : index < length ? index : 2 * length - 1 - index;
  if (once >= 0 && once < length) return once;
  const int64_t period = 2 * length;
  const int64_t place = ((index % period) + period) % period;
  return place < length ? place : period - 1 - place;
}

}  // namespace spikescope::views
