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

/** 8-bit RGB, row after row without gaps. */
struct RgbImage {
  const uint8_t* rgb;
  int64_t width;
  int64_t height;

  /** `length` pixels from (x, y) on, RGB. */
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

  /** `length` pixels from (x, y) on, converted to RGB in `scratch` (3 × length bytes). Chroma is not interpolated. */
  const uint8_t* row(int64_t y, int64_t x, int64_t length, uint8_t* scratch) const;
};

}  // namespace spikescope::imaging
