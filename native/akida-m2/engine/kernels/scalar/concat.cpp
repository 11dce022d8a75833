#include <cstring>
#include <vector>

#include "kernels.h"

namespace spikescope::scalar {
namespace {

class ConcatKernel final : public Kernel {
 public:
  ConcatKernel(const Graph& graph, const Node& node, const Concat& operation)
      : pixels_(static_cast<size_t>(node.output.shape.height) * static_cast<size_t>(node.output.shape.width)),
        channels_(static_cast<size_t>(node.output.shape.channels)) {
    size_t first = 0;
    for (size_t k = 0; k < node.inputs.size(); k++) {
      const auto channels = static_cast<size_t>(graph.tensor(node.inputs[k]).shape.channels);
      const bool in_place = !operation.in_place.empty() && operation.in_place[k];
      if (!in_place) parts_.push_back({k, first, channels});
      first += channels;
    }
  }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    for (const Part& part : parts_) {
      for (size_t pixel = 0; pixel < pixels_; pixel++) {
        std::memcpy(output + pixel * channels_ + part.first, inputs[part.input] + pixel * part.channels,
                    part.channels);
      }
    }
  }

 private:
  /** An input that has to be copied, and its first channel in the output. */
  struct Part {
    size_t input;
    size_t first;
    size_t channels;
  };

  const size_t pixels_;
  const size_t channels_;
  std::vector<Part> parts_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Concat& operation) {
  return std::make_unique<ConcatKernel>(graph, node, operation);
}

}  // namespace spikescope::scalar
