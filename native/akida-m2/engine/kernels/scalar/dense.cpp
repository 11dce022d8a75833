#include "kernels.h"
#include "requantise.h"

namespace spikescope::scalar {
namespace {

/** start + Σ_i (input[i] − zero point) × weights[i] */
int32_t accumulate(int32_t start, const uint8_t* input, const int8_t* weights, size_t length, int32_t zero_point) {
  int32_t accumulator = start;
  for (size_t i = 0; i < length; i++) accumulator += (input[i] - zero_point) * int32_t{weights[i]};
  return accumulator;
}

class DenseKernel final : public Kernel {
 public:
  DenseKernel(const Tensor& input, const Tensor& output, const Dense& operation)
      : input_(input), output_(output), operation_(operation) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    const size_t length = input_.shape.elements();
    for (size_t o = 0; o < operation_.bias.size(); o++) {
      const int32_t accumulator = accumulate(operation_.bias[o], inputs[0], operation_.weights.data() + o * length,
                                             length, input_.zero_point);
      output[o] = requantise(accumulator, operation_.requantisation.multiplier[o],
                             operation_.requantisation.shift[o], output_.zero_point, operation_.clamp);
    }
  }

 private:
  const Tensor input_;
  const Tensor output_;
  const Dense operation_;
};

class Potentials final : public HeadKernel {
 public:
  Potentials(const Tensor& embedding, const Head& head) : embedding_(embedding), head_(head) {}

  void run(const uint8_t* embedding, int32_t* potentials) const override {
    const size_t length = embedding_.shape.elements();
    for (size_t c = 0; c < head_.classes(); c++) {
      potentials[c] =
          accumulate(head_.bias[c], embedding, head_.weights.data() + c * length, length, embedding_.zero_point);
    }
  }

 private:
  const Tensor embedding_;
  const Head head_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Dense& operation) {
  return std::make_unique<DenseKernel>(graph.tensor(node.inputs[0]), node.output, operation);
}

std::unique_ptr<HeadKernel> make_head(const Graph& graph) {
  return std::make_unique<Potentials>(graph.tensor(graph.head.input), graph.head);
}

}  // namespace spikescope::scalar
