#include <ATen/ATen.h>

#include "kernel.h"
#include "parallel.h"

namespace spikescope::training {
namespace {

/** [..., C] as [rows, C, 1, 1] in channels-last order: the same memory. */
Tensor as_rows(const Tensor& x) {
  TORCH_CHECK(x.dim() >= 1, "batch norm needs an axis of channels");
  const int64_t channels = x.size(-1);
  return x.reshape({1, -1, 1, channels}).permute({0, 3, 1, 2});
}

Tensor from_rows(const Tensor& rows, at::IntArrayRef shape) { return rows.permute({0, 2, 3, 1}).reshape(shape); }

/** x, gamma, beta → y, mean, variance (divided by n) */
Tensors training(Inputs in, Attributes& attributes) {
  const double epsilon = attributes.number();
  const auto [y, mean, inverse] =
      at::native_batch_norm(as_rows(in[0]), in[1], in[2], {}, {}, /*training=*/true, /*momentum=*/0, epsilon);
  return {from_rows(y, in[0].sizes()), mean, inverse.pow(-2).sub_(epsilon).clamp_min_(0)};
}

/** dy, x, gamma, mean, variance → dx, dgamma, dbeta */
Tensors training_gradient(Inputs in, Attributes& attributes) {
  const double epsilon = attributes.number();
  const Tensor inverse = at::rsqrt(at::add(in[4], epsilon));
  const auto [dx, dgamma, dbeta] = at::native_batch_norm_backward(as_rows(in[0]), as_rows(in[1]), in[2], {}, {}, in[3], inverse,
                                                                  /*train=*/true, epsilon, {true, true, true});
  return {from_rows(dx, in[1].sizes()), dgamma, dbeta};
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
