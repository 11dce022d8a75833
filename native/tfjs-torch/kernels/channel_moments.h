#pragma once

#include <cstdint>
#include <vector>

/** Statistics per channel of [rows, channels], read once from memory and the same for any number of threads. */
namespace spikescope::training {

struct ChannelMoments {
  std::vector<double> mean;
  /** Divided by the number of rows. */
  std::vector<double> variance;
};

ChannelMoments channel_moments(const float* x, int64_t rows, int64_t channels);

struct ChannelProducts {
  /** Σ dy */
  std::vector<double> plain;
  /** Σ dy·(x − mean) */
  std::vector<double> centred;
};

ChannelProducts channel_products(const float* dy, const float* x, const float* mean, int64_t rows, int64_t channels);

}  // namespace spikescope::training
