#include <algorithm>
#include <cstring>

#include "kernels.h"

namespace spikescope::scalar {
namespace {

/** Plain loops over bytes, which every compiler turns into the vector instructions of the processor's oldest set. */
class ExtremumKernel final : public Kernel {
 public:
  ExtremumKernel(const Node& node, const Extremum& operation)
      : length_(node.output.shape.elements()), count_(node.inputs.size()), is_maximum_(operation.is_maximum) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    std::memcpy(output, inputs[0], length_);
    for (size_t k = 1; k < count_; k++) {
      const uint8_t* const other = inputs[k];
      if (is_maximum_) {
        for (size_t i = 0; i < length_; i++) output[i] = std::max(output[i], other[i]);
      } else {
        for (size_t i = 0; i < length_; i++) output[i] = std::min(output[i], other[i]);
      }
    }
  }

 private:
  const size_t length_;
  const size_t count_;
  const bool is_maximum_;
};

class ChannelMaximumKernel final : public Kernel {
 public:
  explicit ChannelMaximumKernel(const Shape& input)
      : pixels_(static_cast<size_t>(input.height) * static_cast<size_t>(input.width)),
        channels_(static_cast<size_t>(input.channels)) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    const uint8_t* values = inputs[0];
    for (size_t pixel = 0; pixel < pixels_; pixel++, values += channels_) {
      uint8_t largest = 0;
      for (size_t c = 0; c < channels_; c++) largest = std::max(largest, values[c]);
      output[pixel] = largest;
    }
  }

 private:
  const size_t pixels_;
  const size_t channels_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph&, const Node& node, const Extremum& operation) {
  return std::make_unique<ExtremumKernel>(node, operation);
}

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const ChannelMaximum&) {
  return std::make_unique<ChannelMaximumKernel>(graph.tensor(node.inputs[0]).shape);
}

}  // namespace spikescope::scalar
