#include <ATen/ATen.h>

#include "kernel.h"
#include "parallel.h"

/** Gradients that tfjs composes of several passes over memory, in one. */
namespace spikescope::training {
namespace {

/** dx = dy where low < x ≤ high. */
SPIKESCOPE_VECTORISED
void pass_between(const float* dy, const float* x, float* dx, int64_t count, float low, float high) {
  for (int64_t i = 0; i < count; i++) dx[i] = (x[i] > low) & (x[i] <= high) ? dy[i] : 0.0F;
}

/** dx = dy where low ≤ x ≤ high. */
SPIKESCOPE_VECTORISED
void pass_within(const float* dy, const float* x, float* dx, int64_t count, float low, float high) {
  for (int64_t i = 0; i < count; i++) dx[i] = (x[i] >= low) & (x[i] <= high) ? dy[i] : 0.0F;
}

template <typename Pass>
Tensors masked(Inputs in, float low, float high, Pass pass) {
  const Tensor dx = at::empty_like(in[0]);
  const float* dy = floats(in[0]);
  const float* x = floats(in[1]);
  TORCH_CHECK(in[0].sizes() == in[1].sizes(), "dy and x differ in shape");
  float* out = mutable_floats(dx);
  at::parallel_for(0, dx.numel(), kGrain, [&](int64_t begin, int64_t end) {
    pass(dy + begin, x + begin, out + begin, end - begin, low, high);
  });
  return {dx};
}

Tensors relu_gradient(Inputs in, Attributes&) {
  return masked(in, 0, std::numeric_limits<float>::infinity(), pass_between);
}

Tensors relu6_gradient(Inputs in, Attributes&) { return masked(in, 0, 6, pass_between); }

Tensors clip_gradient(Inputs in, Attributes& attributes) {
  const double low = attributes.number();
  const double high = attributes.number();
  return masked(in, static_cast<float>(low), static_cast<float>(high), pass_within);
}

/** dy, y → dy·y·(1 − y) */
Tensors sigmoid_gradient(Inputs in, Attributes&) { return {at::sigmoid_backward(in[0], in[1])}; }

}  // namespace

void add_activation_kernels(Registry& registry) {
  registry.push_back({"SpikescopeReluGradient", 2, relu_gradient});
  registry.push_back({"SpikescopeRelu6Gradient", 2, relu6_gradient});
  registry.push_back({"SpikescopeClipGradient", 2, clip_gradient});
  registry.push_back({"SpikescopeSigmoidGradient", 2, sigmoid_gradient});
}

}  // namespace spikescope::training
