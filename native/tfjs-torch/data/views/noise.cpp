#include "noise.h"

#include <algorithm>
#include <cmath>

#include "target.h"

namespace spikescope::views {
namespace {

constexpr int32_t kMean = 510;

/** The `number`th (from 0) of the stream that src/random.ts makes of a seed. */
inline uint32_t random_number(uint32_t seed, uint32_t number) {
  uint32_t mixed = seed + (number + 1) * 0x9e3779b9u;
  mixed = (mixed ^ (mixed >> 16)) * 0x21f0aaadu;
  mixed = (mixed ^ (mixed >> 15)) * 0x735a2d97u;
  return mixed ^ (mixed >> 15);
}

SPIKESCOPE_WIDE void add(const uint8_t* __restrict input, uint32_t count, uint32_t seed, int32_t scale,
                         uint8_t* __restrict output) {
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t word = random_number(seed, i);
    const auto sum = static_cast<int32_t>((word & 255) + ((word >> 8) & 255) + ((word >> 16) & 255) + (word >> 24));
    const int32_t value = input[i] + (((sum - kMean) * scale + 32768) >> 16);
    output[i] = static_cast<uint8_t>(std::min(255, std::max(0, value)));
  }
}

}  // namespace

void add_noise(const Frame& frame, double sigma, uint32_t seed, uint8_t* output) {
  const double deviation = std::sqrt(4 * ((256.0 * 256.0 - 1) / 12));
  const auto scale = static_cast<int32_t>(std::floor(sigma * 255 * 65536 / deviation + 0.5));
  add(frame.rgb, static_cast<uint32_t>(frame.width * frame.height * 3), seed, scale, output);
}

}  // namespace spikescope::views
