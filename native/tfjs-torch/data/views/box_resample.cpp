#include "box_resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "target.h"

namespace spikescope::views {
namespace {

// Red, green, blue, and whatever byte follows.
typedef float Pixel __attribute__((vector_size(16)));
typedef uint8_t PixelBytes __attribute__((vector_size(4)));

/** Largest whole number that is not above `value`, |value| < 2^40; std::floor is a call on the plainest processors. */
inline int64_t floor_of(double value) {
  constexpr int64_t kBias = int64_t{1} << 40;
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

inline Pixel read(const uint8_t* bytes) {
  PixelBytes pixel;
  std::memcpy(&pixel, bytes, sizeof pixel);
  return __builtin_convertvector(pixel, Pixel);
}

/** Width and height of every box of a view, pixels. */
struct Box {
  float width;
  float height;
};

/**
 * Σ of what lies in the box, at most `Pixels` × `Pixels` from the spans' first ones, with all that it reads in the frame.
 * The number of pixels is the same for every box of a view, so that no branch depends on where a box begins; whole rows
 * of bytes are summed first, which is what vector registers are for.
 */
template <int Pixels>
inline Pixel sum_inside(const Frame& frame, const Span& columns, const Span& rows, const Box& box) {
  constexpr int kBytes = (3 * Pixels + 7) / 8 * 8;
  const int64_t stride = 3 * frame.width;
  const uint8_t* row = frame.rgb + rows.first * stride + 3 * columns.first;
  alignas(32) float sums[kBytes + 1] = {};
  for (int y = 0; y < Pixels; y++, row += stride) {
    const float weight = overlap(rows, box.height, y);
    for (int i = 0; i < kBytes; i++) sums[i] += weight * static_cast<float>(row[i]);
  }
  Pixel sum = {0, 0, 0, 0};
  for (int x = 0; x < Pixels; x++) {
    Pixel column;
    std::memcpy(&column, sums + 3 * x, sizeof column);
    sum += column * overlap(columns, box.width, x);
  }
  return sum;
}

/** Where pixel `index` of an axis of `length` pixels lies when both ends are mirrors. */
inline int64_t mirrored(int64_t index, int64_t length) {
  const int64_t period = 2 * length;
  const int64_t place = ((index % period) + period) % period;
  return place < length ? place : period - 1 - place;
}

/** As `sum_inside`, anywhere. */
Pixel sum_mirrored(const Frame& frame, const Span& columns, const Span& rows, const Box& box) {
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

/** Maps output pixels to points of the frame and to the box around them. */
struct Geometry {
  double x, y;            // of output pixel (0, 0)
  double x_right, y_right;  // per output pixel to the right
  double x_down, y_down;    // and downwards
  double width, height;   // of the box
};

Geometry geometry_of(const Frame& frame, const View& view, int64_t size) {
  const int64_t side = std::min(frame.width, frame.height);
  const double scale = static_cast<double>(side) / static_cast<double>(size);
  const double first = 0.5 / static_cast<double>(size) - 0.5;
  const auto left = static_cast<double>((frame.width - side) / 2);
  const auto top = static_cast<double>((frame.height - side) / 2);
  const auto length = static_cast<double>(side);
  return {left + length * (0.5 + view.xu * first + view.xv * first + view.x),
          top + length * (0.5 + view.yu * first + view.yv * first + view.y),
          scale * view.xu,
          scale * view.yu,
          scale * view.xv,
          scale * view.yv,
          scale * std::hypot(view.xu, view.xv),
          scale * std::hypot(view.yu, view.yv)};
}

/** `Pixels`: at least as many as a box can touch along an axis; 0 for any number. */
template <int Pixels>
inline void draw_boxes(const Frame& frame, const Geometry& geometry, const Planes& output) {
  const Box box = {static_cast<float>(geometry.width), static_cast<float>(geometry.height)};
  const float to_unit = 1 / (255 * box.width * box.height);
  int64_t at = 0;
  for (int64_t row = 0; row < output.size; row++) {
    const double x_start = geometry.x + geometry.x_down * static_cast<double>(row);
    const double y_start = geometry.y + geometry.y_down * static_cast<double>(row);
    for (int64_t column = 0; column < output.size; column++, at++) {
      const auto step = static_cast<double>(column);
      const Span columns = span_of(x_start + geometry.x_right * step, geometry.width);
      const Span rows = span_of(y_start + geometry.y_right * step, geometry.height);
      Pixel sum;
      if constexpr (Pixels == 0) {
        sum = sum_mirrored(frame, columns, rows, box);
      } else {
        const bool inside = columns.first >= 0 && columns.first + Pixels <= frame.width && rows.first >= 0 &&
                            rows.first + Pixels <= frame.height;
        sum = inside ? sum_inside<Pixels>(frame, columns, rows, box) : sum_mirrored(frame, columns, rows, box);
      }
      output.red[at] = sum[0] * to_unit;
      output.green[at] = sum[1] * to_unit;
      output.blue[at] = sum[2] * to_unit;
    }
  }
}

using Draw = void (*)(const Frame&, const Geometry&, const Planes&);

SPIKESCOPE_WIDE void draw2(const Frame& f, const Geometry& g, const Planes& p) { draw_boxes<2>(f, g, p); }
SPIKESCOPE_WIDE void draw3(const Frame& f, const Geometry& g, const Planes& p) { draw_boxes<3>(f, g, p); }
SPIKESCOPE_WIDE void draw4(const Frame& f, const Geometry& g, const Planes& p) { draw_boxes<4>(f, g, p); }
SPIKESCOPE_WIDE void draw5(const Frame& f, const Geometry& g, const Planes& p) { draw_boxes<5>(f, g, p); }
SPIKESCOPE_WIDE void draw8(const Frame& f, const Geometry& g, const Planes& p) { draw_boxes<8>(f, g, p); }
SPIKESCOPE_WIDE void draw_any(const Frame& f, const Geometry& g, const Planes& p) { draw_boxes<0>(f, g, p); }

/** A span of so many pixels' length touches one more at most. */
Draw draw_for(double span) {
  if (span <= 1) return draw2;
  if (span <= 2) return draw3;
  if (span <= 3) return draw4;
  if (span <= 4) return draw5;
  if (span <= 7) return draw8;
  return draw_any;
}

}  // namespace

void box_resample(const Frame& frame, const View& view, const Planes& output) {
  const Geometry geometry = geometry_of(frame, view, output.size);
  draw_for(std::max(geometry.width, geometry.height))(frame, geometry, output);
}

}  // namespace spikescope::views
