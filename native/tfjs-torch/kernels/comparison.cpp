#include <ATen/ATen.h>

#include "kernel.h"

namespace spikescope::training {
namespace {

template <Tensor (*function)(const Tensor&, const Tensor&)>
Tensors binary(Inputs in, Attributes&) {
  return {function(in[0], in[1])};
}

template <Tensor (*function)(const Tensor&)>
Tensors unary(Inputs in, Attributes&) {
  return {function(in[0])};
}

Tensors select(Inputs in, Attributes&) { return {at::where(in[0].to(at::kBool), in[1], in[2])}; }

}  // namespace

void add_comparison_kernels(Registry& registry) {
  const Kernel kernels[] = {
      {"Equal", 2, binary<at::eq>},
      {"Greater", 2, binary<at::gt>},
      {"GreaterEqual", 2, binary<at::ge>},
      {"Less", 2, binary<at::lt>},
      {"LessEqual", 2, binary<at::le>},
      {"NotEqual", 2, binary<at::ne>},
      {"LogicalAnd", 2, binary<at::logical_and>},
      {"LogicalOr", 2, binary<at::logical_or>},
      {"LogicalNot", 1, unary<at::logical_not>},
      {"IsFinite", 1, unary<at::isfinite>},
      {"IsInf", 1, unary<at::isinf>},
      {"IsNan", 1, unary<at::isnan>},
      {"Select", 3, select},
  };
  registry.insert(registry.end(), std::begin(kernels), std::end(kernels));
}

}  // namespace spikescope::training
