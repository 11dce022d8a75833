#include "box_resample.h"

#include <algorithm>
#include <cmath>

#include "boxes.h"

namespace spikescope::views {
namespace {

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

template <int Pixels>
struct PortableSum {
  static constexpr int64_t kPixels = Pixels;
  static Pixel of(const uint8_t* const* starts, const Span& columns, const Span& rows, const Box& box) {
    float weights[Pixels];
    for (int x = 0; x < Pixels; x++) weights[x] = overlap(columns, box.width, x);
    Pixel sum = {0, 0, 0, 0};
    for (int y = 0; y < Pixels; y++) {
      Pixel across = read(starts[y]) * weights[0];
      for (int x = 1; x < Pixels; x++) across += read(starts[y] + 3 * x) * weights[x];
      sum += across * overlap(rows, box.height, y);
    }
    return sum;
  }
};

template <>
struct PortableSum<0> {
  static constexpr int64_t kPixels = 0;
  static Pixel of(const uint8_t* const*, const Span&, const Span&, const Box&) { return Pixel{}; }
};

template <int Pixels>
void draw(const Frame& frame, const Geometry& geometry, const Planes& output) {
  draw_boxes<PortableSum<Pixels>>(frame, geometry, output);
}

}  // namespace

Draw portable_draw(double span) {
  if (span <= 1) return draw<2>;
  if (span <= 2) return draw<3>;
  if (span <= 3) return draw<4>;
  if (span <= 4) return draw<5>;
  if (span <= 7) return draw<8>;
  return draw<0>;
}

void box_resample(const Frame& frame, const View& view, const Planes& output) {
  const Geometry geometry = geometry_of(frame, view, output.size);
  const double span = std::max(geometry.width, geometry.height);
  const Draw fast = avx2_draw(span);
  (fast == nullptr ? portable_draw(span) : fast)(frame, geometry, output);
}

}  // namespace spikescope::views
