#include <ATen/ATen.h>

#include "kernel.h"

namespace spikescope::training {
namespace {

Tensors batch_matrix_multiply(Inputs in, Attributes& attributes) {
  const Tensor a = attributes.flag() ? in[0].transpose(-1, -2) : in[0];
  const Tensor b = attributes.flag() ? in[1].transpose(-1, -2) : in[1];
  return {at::matmul(a, b)};
}

}  // namespace

void add_matrix_kernels(Registry& registry) {
  registry.push_back({"BatchMatMul", 2, batch_matrix_multiply});
}

}  // namespace spikescope::training
