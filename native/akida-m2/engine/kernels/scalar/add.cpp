#include <vector>

#include "kernels.h"
#include "requantise.h"

namespace spikescope::scalar {
namespace {

class AddKernel final : public Kernel {
 public:
  AddKernel(const Graph& graph, const Node& node, const Add& operation) : output_(node.output), operation_(operation) {
    for (const size_t input : node.inputs) zero_points_.push_back(graph.tensor(input).zero_point);
  }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    const size_t length = output_.shape.elements();
    for (size_t i = 0; i < length; i++) {
      int32_t accumulator = 0;
      for (size_t k = 0; k < zero_points_.size(); k++) {
        accumulator += (inputs[k][i] - zero_points_[k]) * operation_.multipliers[k];
      }
      const int32_t sum = rounding_shift_right(accumulator, operation_.shift) + output_.zero_point;
      output[i] = static_cast<uint8_t>(std::clamp(sum, operation_.clamp.minimum, operation_.clamp.maximum));
    }
  }

 private:
  const Tensor output_;
  const Add operation_;
  std::vector<int32_t> zero_points_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Add& operation) {
  return std::make_unique<AddKernel>(graph, node, operation);
}

}  // namespace spikescope::scalar
