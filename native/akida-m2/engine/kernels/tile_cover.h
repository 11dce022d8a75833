#pragma once

#include <cstdint>

namespace spikescope {

/** How many tiles of either size cover a row of pixels. */
struct TileCover {
  int32_t large;
  int32_t small;
};

/**
 * Computes as few pixels twice as can be, with as many large tiles as can be; tiles at the end reach back over the ones
 * before them. No tiles where not even a small one fits.
 * @param small at least half of `large`
 */
inline TileCover cover_pixels(int32_t pixels, int32_t large, int32_t small) {
  if (pixels < small) return {0, 0};
  TileCover best{0, (pixels + small - 1) / small};
  int32_t fewest = best.small * small;
  for (int32_t smalls = 2; smalls >= 0; smalls--) {
    const int32_t left = pixels - smalls * small;
    const int32_t larges = (left + large - 1) / large;
    const int32_t computed = larges * large + smalls * small;
    if (left < 0 || pixels < large || computed > fewest) continue;
    best = {larges, smalls};
    fewest = computed;
  }
  return best;
}

}  // namespace spikescope
