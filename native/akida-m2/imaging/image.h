#pragma once

#include <cstdint>

namespace spikescope::imaging {

constexpr int64_t kMaximumSide = 16384;

/** A square within an image, pixels. */
struct Square {
  int64_t x;
  int64_t y;
  int64_t side;
};

// A row of pixels holds the value of a channel of a pixel at channel × channel_pitch(length) + pixel × kStep, and
// row_bytes(length) bytes in all.

/** 8-bit RGB, row after row without gaps. */
struct RgbImage {
  const uint8_t* rgb;
  int64_t width;
  int64_t height;

  static constexpr int64_t kStep = 3;
  static constexpr int64_t channel_pitch(int64_t /*length*/) { return 1; }
  static constexpr int64_t row_bytes(int64_t length) { return length * 3; }

  /** `length` pixels from (x, y) on. */
  const uint8_t* row(int64_t y, int64_t x, int64_t /*length*/, uint8_t* /*scratch*/) const {
    return rgb + (y * width + x) * 3;
  }
};

/**
 * Planar YUV 4:2:0, 8 bit, full range, BT.601 (as in JPEG; what rpicam-vid and ffmpeg are asked for). Y: height rows of
 * `stride` bytes; then U and V: height / 2 rows of stride / 2 bytes each. Width, height and stride are even.
 */
struct YuvImage {
  const uint8_t* planes;
  int64_t width;
  int64_t height;
  int64_t stride;

  /** Channel after channel: so the conversion needs no shuffling. A pair of pixels may be cut at either end. */
  static constexpr int64_t kStep = 1;
  static constexpr int64_t channel_pitch(int64_t length) { return length + 2; }
  static constexpr int64_t row_bytes(int64_t length) { return channel_pitch(length) * 3; }

  /** `length` pixels from (x, y) on, converted to RGB in `scratch` (row_bytes(length) bytes). Chroma is not interpolated. */
  const uint8_t* row(int64_t y, int64_t x, int64_t length, uint8_t* scratch) const;
};

}  // namespace spikescope::imaging
