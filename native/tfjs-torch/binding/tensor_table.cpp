#include "tensor_table.h"

#include <c10/util/Exception.h>

namespace spikescope::training {

uint32_t TensorTable::hold(at::Tensor tensor) {
  if (free_.empty()) {
    tensors_.push_back(std::move(tensor));
    return static_cast<uint32_t>(tensors_.size() - 1);
  }
  const uint32_t number = free_.back();
  free_.pop_back();
  tensors_[number] = std::move(tensor);
  return number;
}

const at::Tensor& TensorTable::at(uint32_t number) const {
  TORCH_CHECK(number < tensors_.size() && tensors_[number].defined(), "no tensor has the number ", number);
  return tensors_[number];
}

void TensorTable::release(uint32_t number) {
  at(number);
  free_.push_back(number);
  tensors_[number].reset();
}

}  // namespace spikescope::training
