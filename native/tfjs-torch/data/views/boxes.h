#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

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

/** Largest whole number that is not above `value`, |value| < 2^24; std::floor is a call on the plainest processors. */
inline int64_t floor_of(double value) {
  constexpr int64_t kBias = int64_t{1} << 24;
  return static_cast<int64_t>(value + static_cast<double>(kBias)) - kBias;
}

/** The side of a box along one axis: from `start`, a share of a pixel, behind pixel `first`. */
struct Span {
  int64_t first;
  float start;
};

inline Span span_of(double centre, double width) {
  const double start = centre - 0.5 * width;
  const int64_t first = floor_of(start);
  return {first, static_cast<float>(start - static_cast<double>(first))};
}

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
};

/** Where pixel `index` of an axis of `length` pixels lies when both ends are mirrors. */
inline int64_t mirrored(int64_t index, int64_t length) {
  const int64_t once = index < 0 ? -1 - index : index < length ? index : 2 * length - 1 - index;
  if (once >= 0 && once < length) return once;
  const int64_t period = 2 * length;
  const int64_t place = ((index % period) + period) % period;
  return place < length ? place : period - 1 - place;
}

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
  int64_t at = 0;
  for (int64_t row = 0; row < output.size; row++) {
    const double x_start = geometry.x + geometry.x_down * static_cast<double>(row);
    const double y_start = geometry.y + geometry.y_down * static_cast<double>(row);
    for (int64_t column = 0; column < output.size; column++, at++) {
      const auto step = static_cast<double>(column);
      const Span columns = span_of(x_start + geometry.x_right * step, geometry.width);
      const Span rows = span_of(y_start + geometry.y_right * step, geometry.height);
      Pixel sum;
      if (Sum::kPixels == 0 || columns.first < 0 || columns.first > last_column) {
        sum = sum_mirrored(frame, columns, rows, box);
      } else {
        const uint8_t* const start = frame.rgb + 3 * columns.first;
        if (rows.first >= 0 && rows.first <= last_row) {
          for (int64_t y = 0; y < Sum::kPixels; y++) starts[y] = start + (rows.first + y) * stride;
        } else {
          for (int64_t y = 0; y < Sum::kPixels; y++) starts[y] = start + mirrored(rows.first + y, frame.height) * stride;
        }
        sum = Sum::of(starts, columns, rows, box);
      }
      output.red[at] = sum[0] * to_unit;
      output.green[at] = sum[1] * to_unit;
      output.blue[at] = sum[2] * to_unit;
    }
  }
}

using Draw = void (*)(const Frame&, const Geometry&, const Planes&);

/** For boxes whose longer side is `span` pixels; it touches one pixel more at most. */
Draw portable_draw(double span);
/** Null without AVX2 or for too large a span. */
Draw avx2_draw(double span);

}  // namespace spikescope::views
