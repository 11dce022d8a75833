#include "luminance.h"

#include "smooth_functions.h"
#include "target.h"

namespace spikescope::views {
namespace {

/** In place: red becomes a* / 500, green L* / 100 after factor and gamma, blue −b* / 200. */
SPIKESCOPE_WIDE void to_lightness(const View& view, const Planes& planes, int64_t count) {
  float* __restrict const red = planes.red;
  float* __restrict const green = planes.green;
  float* __restrict const blue = planes.blue;
  const auto red_gain = static_cast<float>(view.gain[0]);
  const auto green_gain = static_cast<float>(view.gain[1]);
  const auto blue_gain = static_cast<float>(view.gain[2]);
  for (int64_t i = 0; i < count; i++) {
    const float r = to_linear(clamped(red[i] * red_gain, 1));
    const float g = to_linear(clamped(green[i] * green_gain, 1));
    const float b = to_linear(clamped(blue[i] * blue_gain, 1));
    // XYZ over the white's: rows of the sRGB matrix (IEC 61966-2-1 primaries, D65) divided by X, Y, Z of white.
    const float fx = cie_f(0.43388735f * r + 0.37622401f * g + 0.18988865f * b);
    const float fy = cie_f(0.21263901f * r + 0.71516868f * g + 0.07219232f * b);
    const float fz = cie_f(0.01775004f * r + 0.10944762f * g + 0.87280234f * b);
    red[i] = fx - fy;
    green[i] = clamped(1.16f * fy - 0.16f, 1);
    blue[i] = fz - fy;
  }
}

SPIKESCOPE_WIDE void scale_lightness(const View& view, float* lightness, int64_t count) {
  const auto factor = static_cast<float>(view.factor);
  const auto gamma = static_cast<float>(view.gamma);
  if (gamma == 1) {
    for (int64_t i = 0; i < count; i++) lightness[i] = clamped(lightness[i] * factor, 1);
    return;
  }
  for (int64_t i = 0; i < count; i++) {
    const float x = lightness[i];
    const float power = exp2_of(clamped(gamma * log2_of(x < 1e-9f ? 1e-9f : x) + 126, 126) - 126);
    lightness[i] = clamped(factor * power, 1);
  }
}

/** Summed in lanes, in an order that does not depend on the processor. */
float mean_of(const float* values, int64_t count) {
  constexpr int64_t kLanes = 16;
  double lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; lane++) lanes[lane] += values[i + lane];
  }
  for (; i < count; i++) lanes[0] += values[i];
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return static_cast<float>(sum / static_cast<double>(count));
}

SPIKESCOPE_WIDE void from_lightness(const View& view, const Planes& planes, float mean, int64_t count) {
  float* __restrict const red = planes.red;
  float* __restrict const green = planes.green;
  float* __restrict const blue = planes.blue;
  const auto contrast = static_cast<float>(view.contrast);
  for (int64_t i = 0; i < count; i++) {
    const float lightness = clamped(mean + contrast * (green[i] - mean), 1);
    const float fy = (lightness + 0.16f) * (1 / 1.16f);
    const float x = cie_f_inverse(fy + red[i]);
    const float y = cie_f_inverse(fy);
    const float z = cie_f_inverse(fy + blue[i]);
    red[i] = to_encoded(clamped(3.0803991f * x - 1.5373832f * y - 0.54301591f * z, 1));
    green[i] = to_encoded(clamped(-0.92122336f * x + 1.8759675f * y + 0.04525586f * z, 1));
    blue[i] = to_encoded(clamped(0.05287394f * x - 0.20397696f * y + 1.151103f * z, 1));
  }
}

}  // namespace

void adjust_colours(const View& view, const Planes& planes) {
  const bool gained = view.gain[0] != 1 || view.gain[1] != 1 || view.gain[2] != 1;
  if (!gained && view.factor == 1 && view.gamma == 1 && view.contrast == 1) return;
  const int64_t count = planes.size * planes.size;
  to_lightness(view, planes, count);
  scale_lightness(view, planes.green, count);
  from_lightness(view, planes, mean_of(planes.green, count), count);
}

}  // namespace spikescope::views
