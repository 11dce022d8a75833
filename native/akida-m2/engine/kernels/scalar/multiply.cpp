#include "kernels.h"
#include "requantise.h"

namespace spikescope::scalar {
namespace {

class MultiplyKernel final : public Kernel {
 public:
  MultiplyKernel(const Tensor& value, const Tensor& gate, const Tensor& output, const Multiply& operation)
      : value_(value), gate_(gate), output_(output), operation_(operation) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    const size_t gate_length = gate_.shape.elements();
    const size_t rounds = value_.shape.elements() / gate_length;
    const uint8_t* value = inputs[0];
    for (size_t round = 0; round < rounds; round++) {
      for (size_t i = 0; i < gate_length; i++) {
        const int32_t product = (*value++ - value_.zero_point) * (inputs[1][i] - gate_.zero_point);
        *output++ = requantise(product, operation_.requantisation.multiplier[0], operation_.requantisation.shift[0],
                               output_.zero_point, operation_.clamp);
      }
    }
  }

 private:
  const Tensor value_;
  const Tensor gate_;
  const Tensor output_;
  const Multiply operation_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Multiply& operation) {
  return std::make_unique<MultiplyKernel>(graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1]), node.output,
                                          operation);
}

}  // namespace spikescope::scalar
