#include <ATen/ATen.h>

#include <algorithm>

#include "kernel.h"

namespace spikescope::training {
namespace {

struct Axes {
  Sizes axes;
  bool keep;
};

Axes read_axes(Attributes& attributes) {
  Sizes axes = attributes.list();
  return {axes, attributes.flag()};
}

/** ATen takes an empty list of axes for all of them, tfjs for none. */
bool reduces_nothing(const Tensor& x, const Axes& over) { return over.axes.empty() && x.dim() > 0; }

Tensors sum(Inputs in, Attributes& attributes) {
  const Axes over = read_axes(attributes);
  const auto type = in[0].is_floating_point() ? at::kFloat : at::kInt;
  if (reduces_nothing(in[0], over)) return {in[0].to(type)};
  return {at::sum(in[0], over.axes, over.keep, type)};
}

Tensors mean(Inputs in, Attributes& attributes) {
  const Axes over = read_axes(attributes);
  const Tensor x = in[0].to(at::kFloat);
  if (reduces_nothing(x, over)) return {x};
  return {at::mean(x, over.axes, over.keep)};
}

template <Tensor (*function)(const Tensor&, at::IntArrayRef, bool)>
Tensors extremum(Inputs in, Attributes& attributes) {
  const Axes over = read_axes(attributes);
  if (reduces_nothing(in[0], over)) return {in[0]};
  return {function(in[0], over.axes, over.keep)};
}

Tensor product_along(const Tensor& x, int64_t axis) {
  return at::prod(x, axis, false, x.is_floating_point() ? at::kFloat : at::kInt);
}
Tensor all_along(const Tensor& x, int64_t axis) { return at::all(x, axis); }
Tensor any_along(const Tensor& x, int64_t axis) { return at::any(x, axis); }

template <Tensor (*function)(const Tensor&, int64_t)>
Tensors one_axis_at_a_time(Inputs in, Attributes& attributes) {
  Axes over = read_axes(attributes);
  std::sort(over.axes.rbegin(), over.axes.rend());
  Tensor result = in[0];
  for (const int64_t axis : over.axes) {
    result = function(result, axis);
    if (over.keep) result = result.unsqueeze(axis);
  }
  return {result};
}

template <Tensor (*function)(const Tensor&, c10::optional<int64_t>, bool)>
Tensors extreme_index(Inputs in, Attributes& attributes) {
  return {function(in[0], attributes.integer(), false)};
}

Tensors cumulative_sum(Inputs in, Attributes& attributes) {
  const int64_t axis = attributes.integer();
  const bool exclusive = attributes.flag();
  const bool reverse = attributes.flag();
  Tensor x = reverse ? at::flip(in[0], axis) : in[0];
  if (exclusive && x.size(axis) > 0) {
    x = at::cat({at::zeros_like(x.narrow(axis, 0, 1)), x.narrow(axis, 0, x.size(axis) - 1)}, axis);
  }
  const Tensor sums = at::cumsum(x, axis, x.is_floating_point() ? at::kFloat : at::kInt);
  return {reverse ? at::flip(sums, axis) : sums};
}

Tensors softmax(Inputs in, Attributes& attributes) { return {at::softmax(in[0].to(at::kFloat), attributes.integer())}; }

/** Largest `count` values along the last axis and where they were; of equal ones the first comes first. */
Tensors top(Inputs in, Attributes& attributes) {
  const int64_t count = attributes.integer();
  const auto [values, indices] = at::sort(in[0], /*stable=*/true, /*dim=*/-1, /*descending=*/true);
  return {values.narrow(-1, 0, count), indices.narrow(-1, 0, count)};
}

}  // namespace

void add_reduction_kernels(Registry& registry) {
  const Kernel kernels[] = {
      {"Sum", 1, sum},
      {"Mean", 1, mean},
      {"Max", 1, extremum<at::amax>},
      {"Min", 1, extremum<at::amin>},
      {"Prod", 1, one_axis_at_a_time<product_along>},
      {"All", 1, one_axis_at_a_time<all_along>},
      {"Any", 1, one_axis_at_a_time<any_along>},
      {"ArgMax", 1, extreme_index<at::argmax>},
      {"ArgMin", 1, extreme_index<at::argmin>},
      {"Cumsum", 1, cumulative_sum},
      {"Softmax", 1, softmax},
      {"TopK", 1, top},
  };
  registry.insert(registry.end(), std::begin(kernels), std::end(kernels));
}

}  // namespace spikescope::training
