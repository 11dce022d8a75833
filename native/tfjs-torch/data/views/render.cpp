#include "render.h"

#include <algorithm>
#include <cmath>

#include "blur.h"
#include "box_resample.h"
#include "luminance.h"
#include "overlays.h"
#include "target.h"

namespace spikescope::views {
namespace {

SPIKESCOPE_WIDE void interleave(const Planes& planes, float* __restrict output) {
  const int64_t count = planes.size * planes.size;
  for (int64_t i = 0; i < count; i++) {
    output[3 * i] = planes.red[i];
    output[3 * i + 1] = planes.green[i];
    output[3 * i + 2] = planes.blue[i];
  }
}

float mean_of(const float* plane, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += plane[i];
  return static_cast<float>(sum / static_cast<double>(count));
}

/** Output pixels whose centres lie in the shares low…high of the side. */
int64_t first_within(double share, int64_t size) {
  const double pixel = std::ceil(share * static_cast<double>(size) - 0.5);
  return static_cast<int64_t>(std::clamp(pixel, 0.0, static_cast<double>(size)));
}

void erase(const View& view, const Planes& planes) {
  const auto& [left, top, right, bottom] = view.erased;
  if (!(right > left && bottom > top)) return;
  const int64_t size = planes.size;
  const int64_t x = first_within(left, size);
  const int64_t x_end = std::max(x, first_within(right, size));
  for (float* const plane : {planes.red, planes.green, planes.blue}) {
    const float mean = mean_of(plane, size * size);
    for (int64_t y = first_within(top, size); y < first_within(bottom, size); y++) {
      std::fill(plane + y * size + x, plane + y * size + x_end, mean);
    }
  }
}

}  // namespace

void prefetch(const Frame& frame) {
  constexpr int64_t kLine = 64;
  const int64_t bytes = frame.width * frame.height * 3;
  for (int64_t at = 0; at < bytes; at += kLine) __builtin_prefetch(frame.rgb + at);
}

void render(const Frame& frame, const View& view, const Segment* segments, int64_t size, Scratch& scratch,
            float* output) {
  const int64_t count = size * size;
  scratch.planes.resize(static_cast<size_t>(3 * count));
  float* const first = scratch.planes.data();
  const Planes planes = {first, first + count, first + 2 * count, size};
  box_resample(frame, view, planes);
  draw_over(view, segments, planes, scratch.plane);
  adjust_colours(view, planes);
  darken_around(view, planes);
  blur(view, planes, scratch.plane);
  erase(view, planes);
  interleave(planes, output);
}

}  // namespace spikescope::views
