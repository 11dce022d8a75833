#include <ATen/ATen.h>

#include "kernel.h"

namespace spikescope::training {
namespace {

/** Both tensors share their first `batch` axes; the result has the axes of `indices` after those in place of `axis`. */
Tensors gather(Inputs in, Attributes& attributes) {
  const int64_t axis = attributes.integer();
  const int64_t batch = attributes.integer();
  const Sizes shape = attributes.list();
  const Tensor& x = in[0];
  TORCH_CHECK(batch >= 0 && batch <= axis && axis < x.dim() && batch <= in[1].dim(), "axis or batch axes out of range");
  if (batch == 0) return {x.index_select(axis, in[1].reshape({-1})).reshape(shape)};
  const Tensor rows = x.flatten(0, batch - 1);
  const Tensor indices = in[1].reshape({rows.size(0), -1});
  std::vector<Tensor> parts;
  for (int64_t row = 0; row < rows.size(0); row++) {
    parts.push_back(rows[row].index_select(axis - batch, indices[row]));
  }
  if (parts.empty()) return {at::empty(shape, x.options())};
  return {at::stack(parts).reshape(shape)};
}

/** Rows whose identifier is not in 0…segments − 1 count nowhere, as in TensorFlow. */
Tensors segment_sum(Inputs in, Attributes& attributes) {
  const int64_t segments = attributes.integer();
  TORCH_CHECK(segments >= 0 && in[1].dim() == 1 && in[0].dim() >= 1, "one segment identifier per row");
  Sizes shape = in[0].sizes().vec();
  shape[0] = segments;
  const Tensor inside = at::nonzero(at::logical_and(at::ge(in[1], 0), at::lt(in[1], segments))).flatten();
  Tensor sums = at::zeros(shape, in[0].options());
  sums.index_add_(0, in[1].index_select(0, inside), in[0].index_select(0, inside));
  return {sums};
}

Tensors one_hot(Inputs in, Attributes& attributes) {
  const int64_t depth = attributes.integer();
  const double on = attributes.number();
  const double off = attributes.number();
  const auto type = static_cast<at::ScalarType>(attributes.integer());
  TORCH_CHECK(type == at::kFloat || type == at::kInt || type == at::kBool, "no such type");
  const Tensor hit = at::eq(in[0].unsqueeze(-1), at::arange(depth, at::kInt));
  return {at::where(hit, at::scalar_tensor(on, at::kFloat), at::scalar_tensor(off, at::kFloat)).to(type)};
}

}  // namespace

void add_gather_kernels(Registry& registry) {
  const Kernel kernels[] = {
      {"GatherV2", 2, gather},
      {"UnsortedSegmentSum", 2, segment_sum},
      {"OneHot", 1, one_hot},
  };
  registry.insert(registry.end(), std::begin(kernels), std::end(kernels));
}

}  // namespace spikescope::training
