#include <ATen/ATen.h>

#include "kernel.h"
#include "parallel.h"

namespace spikescope::training {
namespace {

/** A bijection of 32-bit words without visible structure: Wellons' `lowbias32`. */
inline uint32_t mix(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352dU;
  x = (x ^ (x >> 15)) * 0x846ca68bU;
  return x ^ (x >> 16);
}

SPIKESCOPE_VECTORISED
void drop(const float* x, float* y, int64_t count, uint32_t first, uint32_t threshold, float factor) {
  for (int64_t i = 0; i < count; i++) {
    y[i] = x[i] * (mix(first + static_cast<uint32_t>(i)) >= threshold ? factor : 0.0F);
  }
}

/** The mask depends on seed and position alone; so the gradient is the same kernel on dy. */
Tensors dropout(Inputs in, Attributes& attributes) {
  const double rate = attributes.number();
  const auto seed = static_cast<uint32_t>(attributes.integer());
  TORCH_CHECK(rate >= 0 && rate < 1, "a dropout rate lies in [0, 1)");
  const auto threshold = static_cast<uint32_t>(rate * 4294967296.0);
  const auto factor = static_cast<float>(1 / (1 - rate));
  const uint32_t offset = mix(seed);
  const Tensor y = at::empty_like(in[0]);
  const float* x = floats(in[0]);
  float* out = mutable_floats(y);
  at::parallel_for(0, y.numel(), kGrain, [&](int64_t begin, int64_t end) {
    drop(x + begin, out + begin, end - begin, offset + static_cast<uint32_t>(begin), threshold, factor);
  });
  return {y};
}

}  // namespace

void add_dropout_kernels(Registry& registry) { registry.push_back({"SpikescopeDropout", 1, dropout}); }

}  // namespace spikescope::training
