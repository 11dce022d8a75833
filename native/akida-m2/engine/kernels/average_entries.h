#pragma once

#include <cstdint>
#include <vector>

#include "../graph.h"

namespace spikescope {

/** What turns a 16-bit sum over some pixels into their average: add, shift right, multiply high with rounding. */
struct AverageEntry {
  int16_t start;
  int16_t shift;
  int16_t multiplier;
};

/** Largest window whose sums, with the rounding term, stay within 16 bits. */
constexpr int32_t kLargestNarrowArea = 64;

/** One entry per number of pixels, 1…area; area at most kLargestNarrowArea. */
inline std::vector<AverageEntry> average_entries(int32_t area, int32_t zero_point,
                                                 const Requantisation& requantisation) {
  std::vector<AverageEntry> entries;
  for (int32_t pixels = 1; pixels <= area; pixels++) {
    const size_t entry = requantisation.multiplier.size() == 1 ? 0 : static_cast<size_t>(pixels) - 1;
    const int32_t shift = requantisation.shift[entry];
    if (shift > 15) {
      // No sum reaches half of 2^16, so a larger shift always gives zero.
      entries.push_back({0, 15, 0});
      continue;
    }
    const int32_t rounding = shift == 0 ? 0 : 1 << (shift - 1);
    entries.push_back({static_cast<int16_t>(rounding - pixels * zero_point), static_cast<int16_t>(shift),
                       requantisation.multiplier[entry]});
  }
  return entries;
}

}  // namespace spikescope
