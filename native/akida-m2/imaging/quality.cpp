#include "quality.h"

#include <algorithm>
#include <vector>

#include "area_resample.h"

namespace spikescope::imaging {
namespace {

/** Bytes compared at once; a multiple of three, so that interleaved channels keep their places. */
constexpr int64_t kBlock = 96;

/** Calls `add(place, low, high)` with how many values at that place, counted modulo kBlock, are 0 and 255. */
template <class Add>
void count_extremes(const uint8_t* values, int64_t length, const Add& add) {
  int64_t at = 0;
  while (at + kBlock <= length) {
    uint8_t low[kBlock] = {};
    uint8_t high[kBlock] = {};
    const int64_t blocks = std::min<int64_t>(255, (length - at) / kBlock);
    for (int64_t block = 0; block < blocks; block++, at += kBlock) {
      for (int64_t i = 0; i < kBlock; i++) {
        low[i] = static_cast<uint8_t>(low[i] + (values[at + i] == 0));
        high[i] = static_cast<uint8_t>(high[i] + (values[at + i] == 255));
      }
    }
    for (size_t i = 0; i < kBlock; i++) add(i, low[i], high[i]);
  }
  for (; at < length; at++) add(static_cast<size_t>(at), values[at] == 0, values[at] == 255);
}

void count_clipped(const RgbImage& image, const Square& square, Quality& quality) {
  for (int64_t y = 0; y < square.side; y++) {
    const uint8_t* const row = image.row(square.y + y, square.x, square.side, nullptr);
    count_extremes(row, square.side * 3, [&](size_t place, int low, int high) {
      quality.low_clip[place % 3] += low;
      quality.high_clip[place % 3] += high;
    });
  }
}

void count_clipped(const YuvImage& image, const Square& square, Quality& quality) {
  const int64_t pitch = YuvImage::channel_pitch(square.side);
  // A row may start at the second pixel of a pair, one byte into its memory.
  std::vector<uint8_t> scratch(static_cast<size_t>(YuvImage::row_bytes(square.side) + 1));
  for (int64_t y = 0; y < square.side; y++) {
    const uint8_t* const row = image.row(square.y + y, square.x, square.side, scratch.data());
    for (size_t channel = 0; channel < 3; channel++) {
      count_extremes(row + static_cast<int64_t>(channel) * pitch, square.side, [&](size_t, int low, int high) {
        quality.low_clip[channel] += low;
        quality.high_clip[channel] += high;
      });
    }
  }
}

std::vector<int32_t> luminance_of(const uint8_t* rgb) {
  std::vector<int32_t> luminance(kQualitySide * kQualitySide);
  for (size_t i = 0; i < luminance.size(); i++) {
    luminance[i] = (77 * rgb[i * 3] + 150 * rgb[i * 3 + 1] + 29 * rgb[i * 3 + 2] + 128) >> 8;
  }
  return luminance;
}

void measure_luminance(const std::vector<int32_t>& luminance, Quality& quality) {
  for (const int32_t value : luminance) {
    quality.luminance_minimum = std::min<int64_t>(quality.luminance_minimum, value);
    quality.luminance_maximum = std::max<int64_t>(quality.luminance_maximum, value);
    quality.luminance_sum += value;
    quality.luminance_squares += int64_t{value} * value;
  }
}

void measure_laplacian(const std::vector<int32_t>& luminance, Quality& quality) {
  for (int64_t y = 1; y < kQualitySide - 1; y++) {
    const int32_t* const row = luminance.data() + y * kQualitySide;
    int32_t sum = 0;
    int32_t squares = 0;  // at most 126 × 1020²
    for (int64_t x = 1; x < kQualitySide - 1; x++) {
      const int32_t value = row[x - kQualitySide] + row[x + kQualitySide] + row[x - 1] + row[x + 1] - 4 * row[x];
      sum += value;
      squares += value * value;
    }
    quality.laplacian_sum += sum;
    quality.laplacian_squares += squares;
  }
}

template <class Image>
Quality measure(const Image& image, const Square& square, uint8_t* working) {
  Quality quality;
  count_clipped(image, square, quality);
  area_resample(image, square, kQualitySide, working);
  const std::vector<int32_t> luminance = luminance_of(working);
  measure_luminance(luminance, quality);
  measure_laplacian(luminance, quality);
  return quality;
}

}  // namespace

Quality measure_quality(const RgbImage& image, const Square& square, uint8_t* working) {
  return measure(image, square, working);
}
Quality measure_quality(const YuvImage& image, const Square& square, uint8_t* working) {
  return measure(image, square, working);
}

}  // namespace spikescope::imaging
