#include <ATen/ATen.h>

#include "kernel.h"

namespace spikescope::training {
namespace {

Tensors reshape(Inputs in, Attributes& attributes) { return {in[0].reshape(attributes.list())}; }

Tensors cast(Inputs in, Attributes& attributes) {
  const auto type = static_cast<at::ScalarType>(attributes.integer());
  TORCH_CHECK(type == at::kFloat || type == at::kInt || type == at::kBool, "no such type");
  return {in[0].to(type)};
}

Tensors transpose(Inputs in, Attributes& attributes) { return {in[0].permute(attributes.list())}; }

Tensors concatenate(Inputs in, Attributes& attributes) { return {at::cat(in, attributes.integer())}; }

Tensors stack(Inputs in, Attributes& attributes) { return {at::stack(in, attributes.integer())}; }

Tensors unstack(Inputs in, Attributes& attributes) {
  const std::vector<Tensor> parts = at::unbind(in[0], attributes.integer());
  return Tensors(parts.begin(), parts.end());
}

Tensors split(Inputs in, Attributes& attributes) {
  const int64_t axis = attributes.integer();
  const std::vector<Tensor> parts = at::split_with_sizes(in[0], attributes.list(), axis);
  return Tensors(parts.begin(), parts.end());
}

Tensors slice(Inputs in, Attributes& attributes) {
  const Sizes begin = attributes.list();
  const Sizes size = attributes.list();
  TORCH_CHECK(begin.size() == size.size() && begin.size() == static_cast<size_t>(in[0].dim()), "one begin and size per axis");
  Tensor part = in[0];
  for (size_t axis = 0; axis < begin.size(); axis++) part = part.narrow(axis, begin[axis], size[axis]);
  return {part};
}

/** Pairs before and after, first axis first; ATen wants the last axis first. */
Tensors pad(Inputs in, Attributes& attributes) {
  const double value = attributes.number();
  const Sizes pairs = attributes.list();
  TORCH_CHECK(pairs.size() == 2 * static_cast<size_t>(in[0].dim()), "two paddings per axis");
  Sizes reversed;
  for (size_t axis = pairs.size() / 2; axis-- > 0;) {
    reversed.push_back(pairs[2 * axis]);
    reversed.push_back(pairs[2 * axis + 1]);
  }
  return {at::constant_pad_nd(in[0], reversed, value)};
}

/** `offset` 1 leaves the border value out of the mirror image (reflect), 0 repeats it (symmetric). */
Tensors mirror_pad(Inputs in, Attributes& attributes) {
  const int64_t offset = attributes.integer();
  const Sizes pairs = attributes.list();
  TORCH_CHECK(pairs.size() == 2 * static_cast<size_t>(in[0].dim()), "two paddings per axis");
  Tensor padded = in[0];
  for (int64_t axis = 0; axis < in[0].dim(); axis++) {
    const int64_t extent = in[0].size(axis);
    Sizes indices;
    for (int64_t i = -pairs[2 * axis]; i < extent + pairs[2 * axis + 1]; i++) {
      const int64_t before = i < 0 ? -i - 1 + offset : i;
      indices.push_back(before >= extent ? 2 * extent - 1 - offset - before : before);
    }
    padded = padded.index_select(axis, at::tensor(indices, at::kLong));
  }
  return {padded};
}

Tensors tile(Inputs in, Attributes& attributes) { return {in[0].repeat(attributes.list())}; }

Tensors reverse(Inputs in, Attributes& attributes) { return {at::flip(in[0], attributes.list())}; }

}  // namespace

void add_shape_kernels(Registry& registry) {
  const Kernel kernels[] = {
      {"Reshape", 1, reshape},
      {"Cast", 1, cast},
      {"Transpose", 1, transpose},
      {"Concat", at_least(1), concatenate},
      {"Pack", at_least(1), stack},
      {"Unpack", 1, unstack},
      {"SplitV", 1, split},
      {"Slice", 1, slice},
      {"PadV2", 1, pad},
      {"MirrorPad", 1, mirror_pad},
      {"Tile", 1, tile},
      {"Reverse", 1, reverse},
  };
  registry.insert(registry.end(), std::begin(kernels), std::end(kernels));
}

}  // namespace spikescope::training
