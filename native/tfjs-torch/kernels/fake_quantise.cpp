#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "kernel.h"
#include "parallel.h"
#include "row_tasks.h"

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

/** Slope of y in the scale, times dy, added up per channel. */
SPIKESCOPE_VECTORISED
void add_slopes(const float* dy, const float* x, int64_t rows, int64_t channels, const float* scale, const float* zero_point,
                Range range, float* __restrict sums) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < channels; c++) {
      const int64_t at = r * channels + c;
      const float quotient = x[at] / scale[c];
      const float steps = round_half_up(quotient) + zero_point[c];
      const float clipped = std::min(std::max(steps, range.minimum), range.maximum);
      sums[c] += dy[at] * (clipped - zero_point[c] - (clipped == steps ? quotient : 0.0F));
    }
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

/** One scale for all is computed as if there were this many channels of it, so that vectors can add. */
constexpr int64_t kLanes = 16;

Tensor scale_gradient(const Quantiser& q, const Tensor& gradient, const Tensor& values, at::IntArrayRef shape) {
  const int64_t lanes = q.alike() ? kLanes : q.channels;
  const Tensor scales = q.scale.expand({lanes}).contiguous();
  const Tensor zero_points = q.zero_point.expand({lanes}).contiguous();
  const float* dy = floats(gradient);
  const float* x = floats(values);
  const int64_t rows = lanes == 0 ? 0 : values.numel() / lanes;
  const auto slopes = [&](int64_t at, int64_t count, int64_t width, float* sums) {
    add_slopes(dy + at, x + at, count, width, floats(scales), floats(zero_points), q.range, sums);
  };
  std::vector<double> partial(tasks_of(rows, lanes) * lanes);
  for_each_task(rows, lanes, [&](int64_t task, int64_t first, int64_t task_rows) {
    std::vector<float> sums(lanes);
    for_each_block(task_rows, lanes, [&](int64_t begin, int64_t count) {
      std::fill(sums.begin(), sums.end(), 0.0F);
      slopes((first + begin) * lanes, count, lanes, sums.data());
      for (int64_t c = 0; c < lanes; c++) partial[task * lanes + c] += sums[c];
    });
  });
  std::vector<float> rest(lanes);
  slopes(rows * lanes, 1, values.numel() - rows * lanes, rest.data());
  const Tensor sums = at::zeros({q.channels}, at::kDouble);
  double* totals = sums.data_ptr<double>();
  const auto channel_of = [&](int64_t lane) { return q.alike() ? 0 : lane; };
  for (size_t i = 0; i < partial.size(); i++) totals[channel_of(i % lanes)] += partial[i];
  for (int64_t c = 0; c < lanes; c++) totals[channel_of(c)] += rest[c];
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
