#include "overlays.h"

#include <algorithm>
#include <cmath>

#include "target.h"

namespace spikescope::views {
namespace {

struct Pixels {
  int64_t first, end;
};

/** Pixels of an axis within `margin` of the span between two places. */
Pixels around(double a, double b, double margin, int64_t size) {
  const auto length = static_cast<double>(size);
  const double first = std::clamp(std::floor(std::min(a, b) - margin), 0.0, length);
  const double end = std::clamp(std::ceil(std::max(a, b) + margin), first, length);
  return {static_cast<int64_t>(first), static_cast<int64_t>(end)};
}

/** Raises each pixel's coverage to what of it lies in the line, as if the line passed it squarely. */
void cover(const Segment& segment, int64_t size, float* coverage) {
  const auto side = static_cast<double>(size);
  const double x = (0.5 + segment.from_u) * side;
  const double y = (0.5 + segment.from_v) * side;
  const double dx = (segment.to_u - segment.from_u) * side;
  const double dy = (segment.to_v - segment.from_v) * side;
  const double half = segment.width * side / 2;
  const double squared = std::max(1e-12, dx * dx + dy * dy);
  const Pixels columns = around(x, x + dx, half + 1, size);
  const Pixels rows = around(y, y + dy, half + 1, size);
  for (int64_t row = rows.first; row < rows.end; row++) {
    const double down = static_cast<double>(row) + 0.5 - y;
    for (int64_t column = columns.first; column < columns.end; column++) {
      const double right = static_cast<double>(column) + 0.5 - x;
      const double along = std::clamp((right * dx + down * dy) / squared, 0.0, 1.0);
      const double across = right - along * dx;
      const double besides = down - along * dy;
      const double distance = std::sqrt(across * across + besides * besides);
      const double covered = std::min(half, distance + 0.5) - std::max(-half, distance - 0.5);
      float& own = coverage[row * size + column];
      own = std::max(own, static_cast<float>(covered));
    }
  }
}

SPIKESCOPE_WIDE void blend(const float* __restrict coverage, float opacity, float colour, int64_t count,
                           float* __restrict plane) {
  for (int64_t i = 0; i < count; i++) plane[i] += (colour - plane[i]) * (opacity * coverage[i]);
}

}  // namespace

void draw_over(const View& view, const Segment* segments, const Planes& planes, std::vector<float>& scratch) {
  const int64_t count = planes.size * planes.size;
  for (const Drawing& drawing : view.drawings) {
    if (drawing.count == 0) continue;
    scratch.assign(static_cast<size_t>(count), 0);
    const Segment* const first = segments + static_cast<size_t>(drawing.first);
    for (size_t i = 0; i < static_cast<size_t>(drawing.count); i++) cover(first[i], planes.size, scratch.data());
    float* const channels[] = {planes.red, planes.green, planes.blue};
    for (int c = 0; c < 3; c++) {
      blend(scratch.data(), static_cast<float>(drawing.opacity), static_cast<float>(drawing.colour[c]), count,
            channels[c]);
    }
  }
}

void darken_around(const View& view, const Planes& planes) {
  const auto& [u, v, radius, softness] = view.field;
  if (!(radius > 0)) return;
  const auto side = static_cast<float>(planes.size);
  const float slope = 1 / std::max(1.0f, static_cast<float>(softness) * side);
  const float edge = static_cast<float>(radius) * side;
  const float left = 0.5f - static_cast<float>(0.5 + u) * side;
  const float top = 0.5f - static_cast<float>(0.5 + v) * side;
  for (int64_t row = 0; row < planes.size; row++) {
    const float y = static_cast<float>(row) + top;
    for (int64_t column = 0; column < planes.size; column++) {
      const float x = static_cast<float>(column) + left;
      const float seen = std::clamp((edge - std::sqrt(x * x + y * y)) * slope + 0.5f, 0.0f, 1.0f);
      const int64_t at = row * planes.size + column;
      planes.red[at] *= seen;
      planes.green[at] *= seen;
      planes.blue[at] *= seen;
    }
  }
}

}  // namespace spikescope::views
