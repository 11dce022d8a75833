#include <ATen/ATen.h>

#include <cmath>

#include "channel_moments.h"
#include "kernel.h"
#include "parallel.h"

namespace spikescope::training {
namespace {

/** y = (x − mean)·factor + shift */
SPIKESCOPE_VECTORISED
void normalise(const float* x, float* __restrict y, int64_t rows, int64_t channels, const float* mean, const float* factor,
               const float* shift) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < channels; c++) {
      y[r * channels + c] = (x[r * channels + c] - mean[c]) * factor[c] + shift[c];
    }
  }
}

/** dx = dy·factor + (x − mean)·slope + shift */
SPIKESCOPE_VECTORISED
void differentiate(const float* dy, const float* x, float* __restrict dx, int64_t rows, int64_t channels, const float* mean,
                   const float* factor, const float* slope, const float* shift) {
  for (int64_t r = 0; r < rows; r++) {
    for (int64_t c = 0; c < channels; c++) {
      const int64_t at = r * channels + c;
      dx[at] = dy[at] * factor[c] + (x[at] - mean[c]) * slope[c] + shift[c];
    }
  }
}

struct Extent {
  int64_t rows, channels;

  explicit Extent(const Tensor& x) {
    TORCH_CHECK(x.dim() >= 1, "batch norm needs an axis of channels");
    channels = x.size(-1);
    rows = channels == 0 ? 0 : x.numel() / channels;
  }

  void expect_vector(const Tensor& vector) const {
    TORCH_CHECK(vector.dim() == 1 && vector.size(0) == channels, "expected one value for each of ", channels, " channels");
  }

  /** `body` with the offset of the first value and a number of rows. */
  template <typename Body>
  void for_rows(Body body) const {
    const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, channels));
    at::parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) { body(begin * channels, end - begin); });
  }
};

Tensor vector_of(const std::vector<double>& values) {
  const Tensor vector = at::empty({static_cast<int64_t>(values.size())}, at::kFloat);
  std::copy(values.begin(), values.end(), mutable_floats(vector));
  return vector;
}

/** x, gamma, beta → y, mean, variance (divided by the number of rows) */
Tensors training(Inputs in, Attributes& attributes) {
  const double epsilon = attributes.number();
  const Extent extent(in[0]);
  extent.expect_vector(in[1]);
  extent.expect_vector(in[2]);
  const float* x = floats(in[0]);
  const float* gamma = floats(in[1]);
  const float* beta = floats(in[2]);
  const ChannelMoments moments = channel_moments(x, extent.rows, extent.channels);
  const Tensor mean = vector_of(moments.mean);
  std::vector<float> factor(extent.channels);
  for (int64_t c = 0; c < extent.channels; c++) {
    factor[c] = static_cast<float>(gamma[c] / std::sqrt(moments.variance[c] + epsilon));
  }
  const Tensor y = at::empty_like(in[0]);
  float* out = mutable_floats(y);
  extent.for_rows([&](int64_t at, int64_t rows) {
    normalise(x + at, out + at, rows, extent.channels, floats(mean), factor.data(), beta);
  });
  return {y, mean, vector_of(moments.variance)};
}

/** dy, x, gamma, mean, variance → dx, dgamma, dbeta (Ioffe and Szegedy 2015, §3) */
Tensors training_gradient(Inputs in, Attributes& attributes) {
  const double epsilon = attributes.number();
  const Extent extent(in[1]);
  TORCH_CHECK(in[0].sizes() == in[1].sizes(), "dy and x differ in shape");
  for (size_t i = 2; i < 5; i++) extent.expect_vector(in[i]);
  const float* dy = floats(in[0]);
  const float* x = floats(in[1]);
  const float* gamma = floats(in[2]);
  const float* mean = floats(in[3]);
  const float* variance = floats(in[4]);
  ChannelProducts sums = channel_products(dy, x, mean, extent.rows, extent.channels);
  std::vector<float> factor(extent.channels), slope(extent.channels), shift(extent.channels);
  for (int64_t c = 0; c < extent.channels; c++) {
    const double inverse = 1 / std::sqrt(variance[c] + epsilon);
    const double scale = gamma[c] * inverse;
    factor[c] = static_cast<float>(scale);
    slope[c] = static_cast<float>(-scale * inverse * inverse * sums.centred[c] / extent.rows);
    shift[c] = static_cast<float>(-scale * sums.plain[c] / extent.rows);
    sums.centred[c] *= inverse;
  }
  const Tensor dx = at::empty_like(in[1]);
  float* out = mutable_floats(dx);
  extent.for_rows([&](int64_t at, int64_t rows) {
    differentiate(dy + at, x + at, out + at, rows, extent.channels, mean, factor.data(), slope.data(), shift.data());
  });
  return {dx, vector_of(sums.centred), vector_of(sums.plain)};
}

/** x, mean, variance, offset, scale: with given statistics, broadcast */
Tensors inference(Inputs in, Attributes& attributes) {
  const double epsilon = attributes.number();
  const Tensor factor = at::mul(at::rsqrt(at::add(in[2], epsilon)), in[4]);
  return {at::sub(in[0], in[1]).mul_(factor).add_(in[3])};
}

}  // namespace

void add_batch_norm_kernels(Registry& registry) {
  registry.push_back({"SpikescopeBatchNorm", 3, training});
  registry.push_back({"SpikescopeBatchNormGradient", 5, training_gradient});
  registry.push_back({"FusedBatchNorm", 5, inference});
}

}  // namespace spikescope::training
