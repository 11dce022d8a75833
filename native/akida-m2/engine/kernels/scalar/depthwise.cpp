#include <vector>

#include "kernels.h"
#include "requantise.h"

namespace spikescope::scalar {
namespace {

/** Tap by tap over all channels of a pixel. */
class DepthwiseKernel final : public Kernel {
 public:
  DepthwiseKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : input_(input),
        output_(node.output),
        operation_(operation),
        output_stride_(node.pixel_stride()),
        channels_(static_cast<size_t>(input.shape.channels)) {
    const auto area = static_cast<size_t>(operation.window.area());
    for (size_t tap = 0; tap < area; tap++) {
      for (size_t c = 0; c < channels_; c++) weights_.push_back(operation.weights[c * area + tap]);
    }
  }

  size_t scratch_bytes() const override { return channels_ * sizeof(int32_t); }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    auto* const sums = reinterpret_cast<int32_t*>(scratch);
    for (int32_t y = 0; y < output_.shape.height; y++) {
      for (int32_t x = 0; x < output_.shape.width; x++) {
        sum_window(inputs[0], y, x, sums);
        for (size_t c = 0; c < channels_; c++) {
          output[c] = requantise(sums[c], operation_.requantisation.multiplier[c],
                                 operation_.requantisation.shift[c], output_.zero_point, operation_.clamp);
        }
        output += output_stride_;
      }
    }
  }

 private:
  void sum_window(const uint8_t* input, int32_t y, int32_t x, int32_t* sums) const {
    const Window& window = operation_.window;
    for (size_t c = 0; c < channels_; c++) sums[c] = operation_.bias[c];
    const int16_t* weights = weights_.data();
    const auto zero_point = static_cast<int16_t>(input_.zero_point);
    for (int32_t ky = 0; ky < window.kernel_height; ky++) {
      for (int32_t kx = 0; kx < window.kernel_width; kx++, weights += channels_) {
        const uint8_t* const values = pixel_at(input, y * window.stride_height + ky - window.padding.top,
                                               x * window.stride_width + kx - window.padding.left);
        for (size_t c = 0; c < channels_; c++) {
          const auto value = static_cast<int16_t>(values[c] - zero_point);
          sums[c] += int32_t{value} * int32_t{weights[c]};
        }
      }
    }
  }

  const uint8_t* pixel_at(const uint8_t* input, int32_t row, int32_t column) const {
    const Shape& shape = input_.shape;
    if (row < 0 || row >= shape.height || column < 0 || column >= shape.width) {
      return operation_.padding_values.data();
    }
    return input + (static_cast<size_t>(row) * static_cast<size_t>(shape.width) + static_cast<size_t>(column)) *
                       channels_;
  }

  const Tensor input_;
  const Tensor output_;
  const Convolution operation_;
  const size_t output_stride_;
  const size_t channels_;
  /** [kernel row][kernel column][channel] */
  std::vector<int16_t> weights_;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise(const Graph& graph, const Node& node, const Convolution& operation) {
  return std::make_unique<DepthwiseKernel>(graph.tensor(node.inputs[0]), node, operation);
}

}  // namespace spikescope::scalar
