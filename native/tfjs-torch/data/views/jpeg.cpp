#include "jpeg.h"

#include <algorithm>

#include "jpeg_block.h"
#include "target.h"

namespace spikescope::views {
namespace {

constexpr int32_t kRound = 1 << 15;

void resize(Channel& channel, int64_t width, int64_t height) {
  channel.width = (width + 7) / 8 * 8;
  channel.height = (height + 7) / 8 * 8;
  channel.values.resize(static_cast<size_t>(channel.width * channel.height));
}

/** Continues a channel to its whole blocks by its last column (when `width` falls short) and its last row. */
void fill_border(Channel& channel, int64_t width, int64_t height) {
  for (int64_t y = 0; y < height; y++) {
    int32_t* const row = channel.values.data() + y * channel.width;
    std::fill(row + width, row + channel.width, row[width - 1]);
  }
  int32_t* const last = channel.values.data() + (height - 1) * channel.width;
  for (int64_t y = height; y < channel.height; y++) {
    std::copy(last, last + channel.width, channel.values.data() + y * channel.width);
  }
}

SPIKESCOPE_WIDE void to_ycc(const uint8_t* __restrict rgb, int64_t count, int32_t* __restrict luma,
                            int32_t* __restrict blue, int32_t* __restrict red) {
  for (int64_t i = 0; i < count; i++) {
    const int32_t r = rgb[3 * i];
    const int32_t g = rgb[3 * i + 1];
    const int32_t b = rgb[3 * i + 2];
    luma[i] = (19595 * r + 38470 * g + 7471 * b + kRound) >> 16;
    blue[i] = (-11059 * r - 21709 * g + 32768 * b + (128 << 16) + kRound - 1) >> 16;
    red[i] = (32768 * r - 27439 * g - 5329 * b + (128 << 16) + kRound - 1) >> 16;
  }
}

/** Means of four, rounded down and up in turn; beyond the frame's last column those of it. */
SPIKESCOPE_WIDE void halve(const int32_t* whole, int64_t width, int64_t height, Channel& half) {
  const int64_t rows = (height + 1) / 2;
  for (int64_t y = 0; y < rows; y++) {
    const int32_t* const upper = whole + 2 * y * width;
    const int32_t* const lower = whole + std::min(2 * y + 1, height - 1) * width;
    int32_t* const output = half.values.data() + y * half.width;
    const int64_t inside = width / 2;
    for (int64_t x = 0; x < inside; x++) {
      const int32_t sum = upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1];
      output[x] = (sum + 1 + static_cast<int32_t>(x & 1)) >> 2;
    }
    const int32_t edge = 2 * (upper[width - 1] + lower[width - 1]);
    for (int64_t x = inside; x < half.width; x++) output[x] = (edge + 1 + static_cast<int32_t>(x & 1)) >> 2;
  }
  fill_border(half, half.width, rows);
}

/** Each number is 9/16 of the nearest, 3/16 of each neighbour, 1/16 of the one across; rounded down and up in turn. */
SPIKESCOPE_WIDE void enlarge(const Channel& half, int64_t width, int64_t height, int32_t* whole) {
  const int64_t columns = (width + 1) / 2;
  const int64_t rows = (height + 1) / 2;
  for (int64_t y = 0; y < height; y++) {
    const int64_t other = std::clamp<int64_t>(y % 2 == 0 ? y / 2 - 1 : y / 2 + 1, 0, rows - 1);
    const int32_t* const near = half.values.data() + y / 2 * half.width;
    const int32_t* const far = half.values.data() + other * half.width;
    int32_t* const output = whole + y * width;
    const auto column = [&](int64_t x) { return 3 * near[x] + far[x]; };
    const auto left = [&](int64_t x) { return (3 * column(x) + column(std::max<int64_t>(0, x - 1)) + 8) >> 4; };
    const auto right = [&](int64_t x) { return (3 * column(x) + column(std::min(columns - 1, x + 1)) + 7) >> 4; };
    for (int64_t x = 0; x < width / 2; x++) {
      output[2 * x] = left(x);
      output[2 * x + 1] = right(x);
    }
    if (width % 2 == 1) output[width - 1] = left(columns - 1);
  }
}

inline uint8_t byte(int32_t value) { return static_cast<uint8_t>(std::min(255, std::max(0, value))); }

SPIKESCOPE_WIDE void from_ycc(const int32_t* __restrict luma, const int32_t* __restrict blue,
                              const int32_t* __restrict red, int64_t count, uint8_t* __restrict rgb) {
  for (int64_t i = 0; i < count; i++) {
    const int32_t cb = blue[i] - 128;
    const int32_t cr = red[i] - 128;
    rgb[3 * i] = byte(luma[i] + ((91881 * cr + kRound) >> 16));
    rgb[3 * i + 1] = byte(luma[i] + ((-22554 * cb - 46802 * cr + kRound) >> 16));
    rgb[3 * i + 2] = byte(luma[i] + ((116130 * cb + kRound) >> 16));
  }
}

}  // namespace

void through_jpeg(const Frame& frame, int quality, JpegScratch& scratch, uint8_t* output) {
  const int64_t width = frame.width;
  const int64_t height = frame.height;
  auto& [luma, whole, chroma] = scratch;
  resize(luma, width, height);
  for (auto& values : whole) values.resize(static_cast<size_t>(width * height));
  for (int64_t y = 0; y < height; y++) {
    to_ycc(frame.rgb + 3 * y * width, width, luma.values.data() + y * luma.width, whole[0].data() + y * width,
           whole[1].data() + y * width);
  }
  fill_border(luma, width, height);
  const JpegSteps steps = jpeg_steps(quality);
  quantise_blocks(luma.values.data(), luma.width, luma.height, steps.luminance);
  for (int c = 0; c < 2; c++) {
    resize(chroma[c], (width + 1) / 2, (height + 1) / 2);
    halve(whole[c].data(), width, height, chroma[c]);
    quantise_blocks(chroma[c].values.data(), chroma[c].width, chroma[c].height, steps.chrominance);
    enlarge(chroma[c], width, height, whole[c].data());
  }
  for (int64_t y = 0; y < height; y++) {
    from_ycc(luma.values.data() + y * luma.width, whole[0].data() + y * width, whole[1].data() + y * width, width,
             output + 3 * y * width);
  }
}

}  // namespace spikescope::views
