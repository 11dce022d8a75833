#include <cstring>

#include "kernels.h"

namespace spikescope::scalar {
namespace {

class PadKernel final : public Kernel {
 public:
  PadKernel(const Tensor& input, const Tensor& output, const Pad& operation)
      : input_(input), output_(output), operation_(operation) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    std::memset(output, output_.zero_point, output_.shape.elements());
    const auto channels = static_cast<size_t>(input_.shape.channels);
    const size_t input_row = static_cast<size_t>(input_.shape.width) * channels;
    const size_t output_row = static_cast<size_t>(output_.shape.width) * channels;
    const auto top = static_cast<size_t>(operation_.padding.top);
    const auto left = static_cast<size_t>(operation_.padding.left);
    for (size_t y = 0; y < static_cast<size_t>(input_.shape.height); y++) {
      std::memcpy(output + (y + top) * output_row + left * channels, inputs[0] + y * input_row, input_row);
    }
  }

 private:
  const Tensor input_;
  const Tensor output_;
  const Pad operation_;
};

class FlattenKernel final : public Kernel {
 public:
  explicit FlattenKernel(const Tensor& output) : bytes_(output.shape.elements()) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    std::memcpy(output, inputs[0], bytes_);
  }

 private:
  const size_t bytes_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Pad& operation) {
  return std::make_unique<PadKernel>(graph.tensor(node.inputs[0]), node.output, operation);
}

std::unique_ptr<Kernel> make(const Graph&, const Node& node, const Flatten&) {
  return std::make_unique<FlattenKernel>(node.output);
}

}  // namespace spikescope::scalar
