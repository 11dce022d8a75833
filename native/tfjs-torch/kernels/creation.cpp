#include <ATen/ATen.h>

#include "kernel.h"

namespace spikescope::training {
namespace {

Tensors fill(Inputs, Attributes& attributes) {
  const auto type = static_cast<at::ScalarType>(attributes.integer());
  TORCH_CHECK(type == at::kFloat || type == at::kInt || type == at::kBool, "no such type");
  const double value = attributes.number();
  return {at::full(attributes.list(), value, type)};
}

Tensors zeros_like(Inputs in, Attributes&) { return {at::zeros_like(in[0])}; }
Tensors ones_like(Inputs in, Attributes&) { return {at::ones_like(in[0])}; }

}  // namespace

void add_creation_kernels(Registry& registry) {
  const Kernel kernels[] = {
      {"Fill", 0, fill},
      {"ZerosLike", 1, zeros_like},
      {"OnesLike", 1, ones_like},
  };
  registry.insert(registry.end(), std::begin(kernels), std::end(kernels));
}

}  // namespace spikescope::training
