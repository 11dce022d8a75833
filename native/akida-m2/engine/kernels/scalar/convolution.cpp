#include <vector>

#include "kernels.h"
#include "requantise.h"

namespace spikescope::scalar {
namespace {

/**
 * Gathers each window into a patch of (q − zero point), group by group, and multiplies it with every weight row. Both
 * are 16 bit, which is what compilers turn into multiply-add instructions.
 */
class ConvolutionKernel final : public Kernel {
 public:
  ConvolutionKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : input_(input), output_(node.output), operation_(operation), output_stride_(node.pixel_stride()),
        weights_(operation.weights.begin(), operation.weights.end()) {}

  size_t scratch_bytes() const override { return patch_length() * sizeof(int16_t); }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    auto* const patch = reinterpret_cast<int16_t*>(scratch);
    for (int32_t y = 0; y < output_.shape.height; y++) {
      for (int32_t x = 0; x < output_.shape.width; x++) {
        gather(inputs[0], y, x, patch);
        multiply(patch, output);
        output += output_stride_;
      }
    }
  }

 private:
  int32_t group_inputs() const { return input_.shape.channels / operation_.groups; }
  int32_t group_outputs() const { return output_.shape.channels / operation_.groups; }
  size_t group_length() const {
    return static_cast<size_t>(operation_.window.area()) * static_cast<size_t>(group_inputs());
  }
  size_t patch_length() const { return group_length() * static_cast<size_t>(operation_.groups); }

  /** `patch`: [group][kernel row][kernel column][input channel within the group]. */
  void gather(const uint8_t* input, int32_t y, int32_t x, int16_t* patch) const {
    const Window& window = operation_.window;
    for (int32_t group = 0; group < operation_.groups; group++) {
      for (int32_t ky = 0; ky < window.kernel_height; ky++) {
        for (int32_t kx = 0; kx < window.kernel_width; kx++) {
          const int32_t row = y * window.stride_height + ky - window.padding.top;
          const int32_t column = x * window.stride_width + kx - window.padding.left;
          const uint8_t* const pixel = pixel_at(input, row, column) + group * group_inputs();
          for (int32_t i = 0; i < group_inputs(); i++) {
            *patch++ = static_cast<int16_t>(pixel[i] - input_.zero_point);
          }
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
                       static_cast<size_t>(shape.channels);
  }

  void multiply(const int16_t* patch, uint8_t* output) const {
    const size_t length = group_length();
    for (int32_t channel = 0; channel < output_.shape.channels; channel++) {
      const auto c = static_cast<size_t>(channel);
      const int16_t* const weights = weights_.data() + c * length;
      const int16_t* const values = patch + static_cast<size_t>(channel / group_outputs()) * length;
      int32_t accumulator = operation_.bias[c];
      for (size_t i = 0; i < length; i++) accumulator += int32_t{values[i]} * int32_t{weights[i]};
      output[c] = requantise(accumulator, operation_.requantisation.multiplier[c],
                             operation_.requantisation.shift[c], output_.zero_point, operation_.clamp);
    }
  }

  const Tensor input_;
  const Tensor output_;
  const Convolution operation_;
  const size_t output_stride_;
  const std::vector<int16_t> weights_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Convolution& operation) {
  const Shape& input = graph.tensor(node.inputs[0]).shape;
  if (operation.groups == input.channels && operation.groups == node.output.shape.channels) {
    return make_depthwise(graph, node, operation);
  }
  return std::make_unique<ConvolutionKernel>(graph.tensor(node.inputs[0]), node, operation);
}

}  // namespace spikescope::scalar
