#include <ATen/ATen.h>

#include "kernel.h"

namespace spikescope::training {
namespace {

template <Tensor (*function)(const Tensor&)>
Tensors unary(Inputs in, Attributes&) {
  return {function(in[0])};
}

template <Tensor (*function)(const Tensor&, const Tensor&)>
Tensors binary(Inputs in, Attributes&) {
  return {function(in[0], in[1])};
}

Tensor add(const Tensor& a, const Tensor& b) { return at::add(a, b); }
Tensor subtract(const Tensor& a, const Tensor& b) { return at::sub(a, b); }
Tensor squared_difference(const Tensor& a, const Tensor& b) { return at::sub(a, b).square_(); }
Tensor real_divide(const Tensor& a, const Tensor& b) { return at::div(a, b); }
Tensor floor_divide(const Tensor& a, const Tensor& b) { return at::div(a, b, "floor"); }
Tensor round_half_even(const Tensor& x) { return at::round(x); }
Tensor softplus(const Tensor& x) { return at::softplus(x); }

/** ATen refuses negative exponents of integers; tfjs computes them in floating point and cuts off. */
Tensor power(const Tensor& a, const Tensor& b) {
  if (at::isFloatingType(a.scalar_type()) || at::isFloatingType(b.scalar_type())) return at::pow(a, b);
  return at::pow(a.to(at::kDouble), b.to(at::kDouble)).to(a.scalar_type());
}

Tensors add_all(Inputs in, Attributes&) {
  if (in.size() == 1) return {in[0]};
  Tensor sum = at::add(in[0], in[1]);
  for (size_t i = 2; i < in.size(); i++) sum.add_(in[i]);
  return {sum};
}

Tensors clip(Inputs in, Attributes& attributes) {
  const double minimum = attributes.number();
  const double maximum = attributes.number();
  return {at::clamp(in[0], minimum, maximum)};
}

/** 1 above zero, NaN stays, `alpha` elsewhere. */
Tensors step(Inputs in, Attributes& attributes) {
  const double alpha = attributes.number();
  const Tensor result = at::where(at::gt(in[0], 0), at::scalar_tensor(1.0, at::kFloat), at::scalar_tensor(alpha, at::kFloat));
  if (!in[0].is_floating_point()) return {result.to(in[0].scalar_type())};
  return {at::where(at::isnan(in[0]), in[0], result)};
}

Tensors leaky_relu(Inputs in, Attributes& attributes) { return {at::leaky_relu(in[0], attributes.number())}; }

}  // namespace

void add_elementwise_kernels(Registry& registry) {
  const Kernel kernels[] = {
      {"Abs", 1, unary<at::abs>},
      {"Acos", 1, unary<at::acos>},
      {"Asin", 1, unary<at::asin>},
      {"Atan", 1, unary<at::atan>},
      {"Ceil", 1, unary<at::ceil>},
      {"Cos", 1, unary<at::cos>},
      {"Cosh", 1, unary<at::cosh>},
      {"Erf", 1, unary<at::erf>},
      {"Exp", 1, unary<at::exp>},
      {"Expm1", 1, unary<at::expm1>},
      {"Floor", 1, unary<at::floor>},
      {"Log", 1, unary<at::log>},
      {"Log1p", 1, unary<at::log1p>},
      {"Neg", 1, unary<at::neg>},
      {"Reciprocal", 1, unary<at::reciprocal>},
      {"Relu", 1, unary<at::relu>},
      {"Round", 1, unary<round_half_even>},
      {"Rsqrt", 1, unary<at::rsqrt>},
      {"Sigmoid", 1, unary<at::sigmoid>},
      {"Sign", 1, unary<at::sign>},
      {"Sin", 1, unary<at::sin>},
      {"Sinh", 1, unary<at::sinh>},
      {"Softplus", 1, unary<softplus>},
      {"Sqrt", 1, unary<at::sqrt>},
      {"Square", 1, unary<at::square>},
      {"Tan", 1, unary<at::tan>},
      {"Tanh", 1, unary<at::tanh>},
      {"ClipByValue", 1, clip},
      {"LeakyRelu", 1, leaky_relu},
      {"Step", 1, step},
      {"Add", 2, binary<add>},
      {"FloorDiv", 2, binary<floor_divide>},
      {"Maximum", 2, binary<at::maximum>},
      {"Minimum", 2, binary<at::minimum>},
      {"Mod", 2, binary<at::remainder>},
      {"Multiply", 2, binary<at::mul>},
      {"Pow", 2, binary<power>},
      {"RealDiv", 2, binary<real_divide>},
      {"SquaredDifference", 2, binary<squared_difference>},
      {"Sub", 2, binary<subtract>},
      {"AddN", at_least(1), add_all},
  };
  registry.insert(registry.end(), std::begin(kernels), std::end(kernels));
}

}  // namespace spikescope::training
