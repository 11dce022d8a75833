#include <cstring>
#include <vector>

#include "kernels.h"

namespace spikescope::scalar {
namespace {

class ConcatKernel final : public Kernel {
 public:
  ConcatKernel(const Graph& graph, const Node& node)
      : pixels_(static_cast<size_t>(node.output.shape.height) * static_cast<size_t>(node.output.shape.width)),
        channels_(static_cast<size_t>(node.output.shape.channels)) {
    for (const size_t input : node.inputs) {
      input_channels_.push_back(static_cast<size_t>(graph.tensor(input).shape.channels));
    }
  }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    size_t first = 0;
    for (size_t k = 0; k < input_channels_.size(); k++) {
      const size_t channels = input_channels_[k];
      for (size_t pixel = 0; pixel < pixels_; pixel++) {
        std::memcpy(output + pixel * channels_ + first, inputs[k] + pixel * channels, channels);
      }
      first += channels;
    }
  }

 private:
  const size_t pixels_;
  const size_t channels_;
  std::vector<size_t> input_channels_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Concat&) {
  return std::make_unique<ConcatKernel>(graph, node);
}

}  // namespace spikescope::scalar
