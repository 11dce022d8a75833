#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>
#include <c10/util/Exception.h>
#include <c10/util/SmallVector.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace spikescope::training {

using at::Tensor;
using Tensors = c10::SmallVector<Tensor, 4>;
using Sizes = std::vector<int64_t>;

/**
 * What a kernel is called with besides its tensors: numbers, read in the order in which the TypeScript side lists them.
 * A list is its length followed by its entries.
 */
class Attributes {
 public:
  explicit Attributes(c10::ArrayRef<double> values) : values_(values) {}

  double number() {
    TORCH_CHECK(position_ < values_.size(), "attribute ", position_, " is missing");
    return values_[position_++];
  }

  int64_t integer() {
    const double value = number();
    TORCH_CHECK(value >= -kLargestInteger && value <= kLargestInteger && value == static_cast<double>(static_cast<int64_t>(value)),
                "attribute ", position_ - 1, " is not an integer: ", value);
    return static_cast<int64_t>(value);
  }

  bool flag() { return number() != 0; }

  Sizes list() {
    const int64_t length = integer();
    TORCH_CHECK(length >= 0 && static_cast<size_t>(length) <= values_.size() - position_, "attribute list is cut short");
    Sizes entries(static_cast<size_t>(length));
    for (int64_t& entry : entries) entry = integer();
    return entries;
  }

  void finish() const { TORCH_CHECK(position_ == values_.size(), "more attributes than the kernel takes"); }

 private:
  static constexpr double kLargestInteger = 9007199254740991.0;
  c10::ArrayRef<double> values_;
  size_t position_ = 0;
};

/** Tensors come in tfjs's shapes and are dense, row by row; results may have any strides, the binding makes them dense. */
using Inputs = c10::ArrayRef<Tensor>;
using KernelFunction = Tensors (*)(Inputs, Attributes&);

struct Kernel {
  std::string name;
  /** How many tensors it takes; a negative one means that many or more, as in ~n of C. */
  int inputs;
  KernelFunction run;
};

constexpr int at_least(int count) { return ~count; }

using Registry = std::vector<Kernel>;

void add_elementwise_kernels(Registry& registry);
void add_comparison_kernels(Registry& registry);
void add_activation_kernels(Registry& registry);
void add_reduction_kernels(Registry& registry);
void add_shape_kernels(Registry& registry);
void add_gather_kernels(Registry& registry);
void add_creation_kernels(Registry& registry);
void add_convolution_kernels(Registry& registry);
void add_depthwise_kernels(Registry& registry);
void add_pool_kernels(Registry& registry);
void add_matrix_kernels(Registry& registry);
void add_batch_norm_kernels(Registry& registry);
void add_fake_quantise_kernels(Registry& registry);
void add_dropout_kernels(Registry& registry);
void add_adamw_kernels(Registry& registry);

}  // namespace spikescope::training
