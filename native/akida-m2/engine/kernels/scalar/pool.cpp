#include <algorithm>

#include "kernels.h"
#include "requantise.h"

namespace spikescope::scalar {
namespace {

/** The part of one window that lies in the image: rows top…bottom − 1, columns left…right − 1. */
struct Region {
  int32_t top;
  int32_t bottom;
  int32_t left;
  int32_t right;

  int32_t pixels() const { return (bottom - top) * (right - left); }
};

Region region_at(const Window& window, const Shape& input, int32_t y, int32_t x) {
  const int32_t row = y * window.stride_height - window.padding.top;
  const int32_t column = x * window.stride_width - window.padding.left;
  return {std::max(row, 0), std::min(row + window.kernel_height, input.height), std::max(column, 0),
          std::min(column + window.kernel_width, input.width)};
}

const uint8_t* value_at(const uint8_t* input, const Shape& shape, int32_t row, int32_t column, int32_t channel) {
  const auto pixel = static_cast<size_t>(row) * static_cast<size_t>(shape.width) + static_cast<size_t>(column);
  return input + pixel * static_cast<size_t>(shape.channels) + channel;
}

class AveragePoolKernel final : public Kernel {
 public:
  AveragePoolKernel(const Tensor& input, const Tensor& output, const AveragePool& operation)
      : input_(input), output_(output), operation_(operation) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    for (int32_t y = 0; y < output_.shape.height; y++) {
      for (int32_t x = 0; x < output_.shape.width; x++) {
        const Region region = region_at(operation_.window, input_.shape, y, x);
        for (int32_t c = 0; c < output_.shape.channels; c++) *output++ = average(inputs[0], region, c);
      }
    }
  }

 private:
  uint8_t average(const uint8_t* input, const Region& region, int32_t channel) const {
    int32_t sum = -region.pixels() * input_.zero_point;
    for (int32_t row = region.top; row < region.bottom; row++) {
      for (int32_t column = region.left; column < region.right; column++) {
        sum += *value_at(input, input_.shape, row, column, channel);
      }
    }
    const Requantisation& requantisation = operation_.requantisation;
    const size_t entry =
        requantisation.multiplier.size() == 1 ? 0 : static_cast<size_t>(region.pixels()) - 1;
    return requantise(sum, requantisation.multiplier[entry], requantisation.shift[entry], output_.zero_point,
                      operation_.clamp);
  }

  const Tensor input_;
  const Tensor output_;
  const AveragePool operation_;
};

class MaxPoolKernel final : public Kernel {
 public:
  MaxPoolKernel(const Tensor& input, const Tensor& output, const MaxPool& operation)
      : input_(input), output_(output), operation_(operation) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    for (int32_t y = 0; y < output_.shape.height; y++) {
      for (int32_t x = 0; x < output_.shape.width; x++) {
        const Region region = region_at(operation_.window, input_.shape, y, x);
        for (int32_t c = 0; c < output_.shape.channels; c++) *output++ = largest(inputs[0], region, c);
      }
    }
  }

 private:
  uint8_t largest(const uint8_t* input, const Region& region, int32_t channel) const {
    uint8_t result = 0;
    for (int32_t row = region.top; row < region.bottom; row++) {
      for (int32_t column = region.left; column < region.right; column++) {
        result = std::max(result, *value_at(input, input_.shape, row, column, channel));
      }
    }
    return result;
  }

  const Tensor input_;
  const Tensor output_;
  const MaxPool operation_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const AveragePool& operation) {
  return std::make_unique<AveragePoolKernel>(graph.tensor(node.inputs[0]), node.output, operation);
}

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const MaxPool& operation) {
  return std::make_unique<MaxPoolKernel>(graph.tensor(node.inputs[0]), node.output, operation);
}

}  // namespace spikescope::scalar
