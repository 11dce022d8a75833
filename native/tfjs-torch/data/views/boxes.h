#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "mirrored.h"
#include "view.h"

/** Which pixels of a frame the boxes of a view cover, and how much of each. */
namespace spikescope::views {

// Red, green, blue, and whatever byte follows.
typedef float Pixel __attribute__((vector_size(16)));
typedef uint8_t PixelBytes __attribute__((vector_size(4)));

inline Pixel read(const uint8_t* bytes) {
  PixelBytes pixel;
  std::memcpy(&pixel, bytes, sizeof pixel);
  return __builtin_convertvector(pixel, Pixel);
}

/** The side of a box along one axis: from `start`, a share of a pixel, behind pixel `first`. */
struct Span {
  int64_t first;
  float start;
};

/** Output pixels whose spans are found together. */
constexpr int64_t kChunk = 64;

/** Spans of consecutive output pixels along one axis; arrays, and no call, so that compilers make vectors of it. */
struct Spans {
  int32_t first[kChunk];
  float start[kChunk];

  /** Spans begin at `begin`, `begin` + `step`, …; no coordinate is beyond ±2^23. */
  inline __attribute__((always_inline)) void find(double begin, double step, int64_t count) {
    constexpr int32_t kBias = 1 << 24;
    for (int64_t i = 0; i < count; i++) {
      const double place = begin + step * static_cast<double>(static_cast<int32_t>(i));
      // Truncation is the floor of what is not negative.
      first[i] = static_cast<int32_t>(place + kBias) - kBias;
      start[i] = static_cast<float>(place - first[i]);
    }
  }

  Span at(int64_t i) const { return {first[i], start[i]}; }
};

/** How much of pixel first + `tap` lies in the span, in pixels; 0 beyond its end. */
inline float overlap(const Span& span, float width, int tap) {
  const auto pixel = static_cast<float>(tap);
  const float end = std::min(span.start + width, pixel + 1);
  return std::max(0.0f, end - std::max(span.start, pixel));
}

/** Width and height of every box of a view, pixels. */
struct Box {
  float width;
  float height;
};

/** Maps output pixels to points of the frame and to the box around them. */
struct Geometry {
  double x, y;            // of output pixel (0, 0)
  double x_right, y_right;  // per output pixel to the right
  double x_down, y_down;    // and downwards
  double width, height;   // of the box

  struct Point {
    double x, y;
  };

  Point point(int64_t column, int64_t row) const {
    const auto right = static_cast<double>(column);
    const auto below = static_cast<double>(row);
    return {x + x_right * right + x_down * below, y + y_right * right + y_down * below};
  }
};

/** Σ of what lies in a box anywhere. */
inline Pixel sum_mirrored(const Frame& frame, const Span& columns, const Span& rows, const Box& box) {
  Pixel sum = {0, 0, 0, 0};
  for (int y = 0; static_cast<float>(y) < rows.start + box.height; y++) {
    const uint8_t* const row = frame.rgb + 3 * frame.width * mirrored(rows.first + y, frame.height);
    Pixel across = {0, 0, 0, 0};
    for (int x = 0; static_cast<float>(x) < columns.start + box.width; x++) {
      across += read(row + 3 * mirrored(columns.first + x, frame.width)) * overlap(columns, box.width, x);
    }
    sum += across * overlap(rows, box.height, y);
  }
  return sum;
}

/**
 * Draws a view. `Sum` adds up boxes whose columns lie in the frame, given where each of `Sum::kPixels` rows begins; a box
 * touches no more pixels than that along an axis. 0 stands for any number.
 */
template <typename Sum>
inline __attribute__((always_inline)) void draw_boxes(const Frame& frame, const Geometry& geometry,
                                                      const Planes& output) {
  const Box box = {static_cast<float>(geometry.width), static_cast<float>(geometry.height)};
  const float to_unit = 1 / (255 * box.width * box.height);
  const int64_t last_column = frame.width - Sum::kPixels;
  const int64_t last_row = frame.height - Sum::kPixels;
  const int64_t stride = 3 * frame.width;
  const uint8_t* starts[Sum::kPixels + 1];
  Spans across;
  Spans down;
  for (int64_t row = 0; row < output.size; row++) {
    for (int64_t column = 0; column < output.size; column += kChunk) {
      const int64_t count = std::min(kChunk, output.size - column);
      const auto [x, y] = geometry.point(column, row);
      across.find(x - 0.5 * geometry.width, geometry.x_right, count);
      down.find(y - 0.5 * geometry.height, geometry.y_right, count);
      for (int64_t i = 0; i < count; i++) {
        const Span columns = across.at(i);
        const Span rows = down.at(i);
        Pixel sum;
        if (Sum::kPixels == 0 || columns.first < 0 || columns.first > last_column) {
          sum = sum_mirrored(frame, columns, rows, box);
        } else {
          const uint8_t* const start = frame.rgb + 3 * columns.first;
          if (rows.first >= 0 && rows.first <= last_row) {
            for (int64_t k = 0; k < Sum::kPixels; k++) starts[k] = start + (rows.first + k) * stride;
          } else {
            for (int64_t k = 0; k < Sum::kPixels; k++) {
              starts[k] = start + mirrored(rows.first + k, frame.height) * stride;
            }
          }
          sum = Sum::of(starts, columns, rows, box);
        }
        const int64_t at = row * output.size + column + i;
        output.red[at] = sum[0] * to_unit;
        output.green[at] = sum[1] * to_unit;
        output.blue[at] = sum[2] * to_unit;
      }
    }
  }
}

using Draw = void (*)(const Frame&, const Geometry&, const Planes&);

/** For boxes whose longer side is `span` pixels; it touches one pixel more at most. */
Draw portable_draw(double span);
/** Null without AVX2 or for too large a span. */
Draw avx2_draw(double span);

}  // namespace spikescope::views
