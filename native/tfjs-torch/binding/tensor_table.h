#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace spikescope::training {

/** Owns every tensor that JavaScript holds a number for. A number is given again after its release. */
class TensorTable {
 public:
  uint32_t hold(at::Tensor tensor);

  /** Throws c10::Error for a number that stands for nothing. */
  const at::Tensor& at(uint32_t number) const;
  void release(uint32_t number);

  size_t count() const { return tensors_.size() - free_.size(); }

 private:
  std::vector<at::Tensor> tensors_;
  std::vector<uint32_t> free_;
};

}  // namespace spikescope::training
