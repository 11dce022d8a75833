#include "channel_moments.h"

#include <algorithm>

#include "parallel.h"
#include "row_tasks.h"

namespace spikescope::training {
namespace {

SPIKESCOPE_VECTORISED
void add_rows(const float* x, int64_t rows, int64_t channels, float* __restrict sums) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < channels; c++) sums[c] += x[r * channels + c];
  }
}

SPIKESCOPE_VECTORISED
void add_squares(const float* x, const float* mean, int64_t rows, int64_t channels, float* __restrict sums) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < channels; c++) {
      const float deviation = x[r * channels + c] - mean[c];
      sums[c] += deviation * deviation;
    }
  }
}

SPIKESCOPE_VECTORISED
void add_products(const float* dy, const float* x, const float* mean, int64_t rows, int64_t channels, float* __restrict plain,
                  float* __restrict centred) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < channels; c++) {
      const float gradient = dy[r * channels + c];
      plain[c] += gradient;
      centred[c] += gradient * (x[r * channels + c] - mean[c]);
    }
  }
}

/** Number of rows, mean and sum of squared deviations per channel. */
struct Partial {
  double rows = 0;
  std::vector<double> mean, squares;

  explicit Partial(int64_t channels) : mean(channels), squares(channels) {}

  /** Chan, Golub and LeVeque 1979, equation 2.1b */
  void merge(double other_rows, int64_t channel, double other_mean, double other_squares) {
    const double total = rows + other_rows;
    const double difference = other_mean - mean[channel];
    mean[channel] += difference * other_rows / total;
    squares[channel] += other_squares + difference * difference * rows * other_rows / total;
  }
};

void measure(const float* x, int64_t rows, int64_t channels, Partial& partial) {
  std::vector<float> mean(channels), squares(channels);
  for_each_block(rows, channels, [&](int64_t begin, int64_t count) {
    const float* block = x + begin * channels;
    std::fill(mean.begin(), mean.end(), 0.0F);
    std::fill(squares.begin(), squares.end(), 0.0F);
    add_rows(block, count, channels, mean.data());
    for (float& value : mean) value /= static_cast<float>(count);
    add_squares(block, mean.data(), count, channels, squares.data());
    for (int64_t c = 0; c < channels; c++) partial.merge(static_cast<double>(count), c, mean[c], squares[c]);
    partial.rows += static_cast<double>(count);
  });
}

}  // namespace

ChannelMoments channel_moments(const float* x, int64_t rows, int64_t channels) {
  std::vector<Partial> partials(tasks_of(rows, channels), Partial(channels));
  for_each_task(rows, channels, [&](int64_t task, int64_t begin, int64_t count) {
    measure(x + begin * channels, count, channels, partials[task]);
  });
  Partial all(channels);
  for (const Partial& partial : partials) {
    for (int64_t c = 0; c < channels; c++) all.merge(partial.rows, c, partial.mean[c], partial.squares[c]);
    all.rows += partial.rows;
  }
  for (double& value : all.squares) value /= std::max(1.0, all.rows);
  return {all.mean, all.squares};
}

ChannelProducts channel_products(const float* dy, const float* x, const float* mean, int64_t rows, int64_t channels) {
  const int64_t tasks = tasks_of(rows, channels);
  std::vector<float> plain(tasks * channels), centred(tasks * channels);
  for_each_task(rows, channels, [&](int64_t task, int64_t begin, int64_t count) {
    add_products(dy + begin * channels, x + begin * channels, mean, count, channels, &plain[task * channels],
                 &centred[task * channels]);
  });
  ChannelProducts sums{std::vector<double>(channels), std::vector<double>(channels)};
  for (int64_t i = 0; i < tasks * channels; i++) {
    sums.plain[i % channels] += plain[i];
    sums.centred[i % channels] += centred[i];
  }
  return sums;
}

}  // namespace spikescope::training
