#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "kernel.h"
#include "parallel.h"

namespace spikescope::training {
namespace {

struct Range {
  float minimum, maximum;
};

/** Ties towards +∞. x − ⌊x⌋ is exact in float32; x + ½ is not. */
inline float round_half_up(float x) {
  const float below = std::floor(x);
  return below + (x - below >= 0.5F ? 1.0F : 0.0F);
}

inline float quantised(float x, float scale, float zero_point, Range range) {
  const float steps = round_half_up(x / scale) + zero_point;
  return (std::min(std::max(steps, range.minimum), range.maximum) - zero_point) * scale;
}

/** `count` values that share scale and zero point. */
SPIKESCOPE_VECTORISED
void quantise_alike(const float* x, float* y, int64_t count, float scale, float zero_point, Range range) {
  for (int64_t i = 0; i < count; i++) y[i] = quantised(x[i], scale, zero_point, range);
}

/** One value of each channel. */
SPIKESCOPE_VECTORISED
void quantise_channels(const float* x, float* y, int64_t channels, const float* scale, const float* zero_point, Range range) {
  for (int64_t c = 0; c < channels; c++) y[c] = quantised(x[c], scale[c], zero_point[c], range);
}

SPIKESCOPE_VECTORISED
void pass_alike(const float* dy, const float* x, float* dx, int64_t count, float scale, float zero_point, Range range) {
  for (int64_t i = 0; i < count; i++) {
    const float steps = round_half_up(x[i] / scale) + zero_point;
    dx[i] = (steps >= range.minimum) & (steps <= range.maximum) ? dy[i] : 0.0F;
  }
}

SPIKESCOPE_VECTORISED
void pass_channels(const float* dy, const float* x, float* dx, int64_t channels, const float* scale, const float* zero_point,
                   Range range) {
  for (int64_t c = 0; c < channels; c++) {
    const float steps = round_half_up(x[c] / scale[c]) + zero_point[c];
    dx[c] = (steps >= range.minimum) & (steps <= range.maximum) ? dy[c] : 0.0F;
  }
}

/** Slope of y in the scale, times dy, added up per channel in float64. */
void add_scale_gradient(const float* dy, const float* x, double* sums, int64_t channels, const float* scale,
                        const float* zero_point, Range range) {
  for (int64_t c = 0; c < channels; c++) {
    const float quotient = x[c] / scale[c];
    const float steps = round_half_up(quotient) + zero_point[c];
    const float clipped = std::min(std::max(steps, range.minimum), range.maximum) - zero_point[c];
    const bool inside = steps >= range.minimum && steps <= range.maximum;
    sums[c] += static_cast<double>(dy[c]) * (inside ? clipped - quotient : clipped);
  }
}

/** Scale and zero point of a tensor: one for all values, or one for each index of the last axis. */
struct Quantiser {
  Tensor scale, zero_point;
  Range range;
  int64_t channels;
  int64_t rows;

  Quantiser(const Tensor& x, const Tensor& scales, const Tensor& zero_points, Attributes& attributes)
      : range{static_cast<float>(attributes.number()), static_cast<float>(attributes.number())} {
    TORCH_CHECK(scales.dim() <= 1 && zero_points.dim() <= 1, "scale and zero point are scalars or vectors");
    channels = std::max(scales.numel(), zero_points.numel());
    TORCH_CHECK(channels == 1 || (x.dim() >= 1 && x.size(-1) == channels), "one scale, or one per index of the last axis");
    scale = scales.expand({channels}).contiguous();
    zero_point = zero_points.expand({channels}).contiguous();
    floats(x), floats(scale), floats(zero_point);
    rows = channels == 0 ? 0 : x.numel() / channels;
  }

  bool alike() const { return channels == 1; }

  /** `all` with a stretch of values, or `row` with the offset of each row. */
  template <typename All, typename Row>
  void run(All all, Row row) const {
    if (alike()) {
      at::parallel_for(0, rows, kGrain, all);
      return;
    }
    at::parallel_for(0, rows, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, channels)), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; r++) row(r * channels);
    });
  }
};

/** x, scale, zero point → y */
Tensors forward(Inputs in, Attributes& attributes) {
  const Quantiser q(in[0], in[1], in[2], attributes);
  const Tensor y = at::empty_like(in[0]);
  const float* x = floats(in[0]);
  const float* scale = floats(q.scale);
  const float* zero = floats(q.zero_point);
  float* out = mutable_floats(y);
  q.run([&](int64_t begin, int64_t end) { quantise_alike(x + begin, out + begin, end - begin, *scale, *zero, q.range); },
        [&](int64_t at) { quantise_channels(x + at, out + at, q.channels, scale, zero, q.range); });
  return {y};
}

Tensor scale_gradient(const Quantiser& q, const Tensor& dy, const Tensor& x, at::IntArrayRef shape) {
  const Tensor sums = at::zeros({q.channels}, at::kDouble);
  double* totals = sums.data_ptr<double>();
  for (int64_t row = 0; row < q.rows; row++) {
    add_scale_gradient(floats(dy) + row * q.channels, floats(x) + row * q.channels, totals, q.channels, floats(q.scale),
                       floats(q.zero_point), q.range);
  }
  return (c10::multiply_integers(shape) == q.channels ? sums : sums.sum()).to(at::kFloat).reshape(shape);
}

/** dy, x, scale, zero point → dx and, where the scale is learned, its gradient */
Tensors gradient(Inputs in, Attributes& attributes) {
  const Quantiser q(in[1], in[2], in[3], attributes);
  const bool learn_scale = attributes.flag();
  TORCH_CHECK(in[0].sizes() == in[1].sizes(), "dy and x differ in shape");
  const Tensor dx = at::empty_like(in[1]);
  const float* dy = floats(in[0]);
  const float* x = floats(in[1]);
  const float* scale = floats(q.scale);
  const float* zero = floats(q.zero_point);
  float* out = mutable_floats(dx);
  q.run(
      [&](int64_t begin, int64_t end) {
        pass_alike(dy + begin, x + begin, out + begin, end - begin, *scale, *zero, q.range);
      },
      [&](int64_t at) { pass_channels(dy + at, x + at, out + at, q.channels, scale, zero, q.range); });
  if (!learn_scale) return {dx};
  return {dx, scale_gradient(q, in[0], in[1], in[2].sizes())};
}

}  // namespace

void add_fake_quantise_kernels(Registry& registry) {
  registry.push_back({"SpikescopeFakeQuantise", 3, forward});
  registry.push_back({"SpikescopeFakeQuantiseGradient", 4, gradient});
}

}  // namespace spikescope::training
