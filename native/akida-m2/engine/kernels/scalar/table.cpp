#include "kernels.h"

namespace spikescope::scalar {
namespace {

class TableKernel final : public Kernel {
 public:
  TableKernel(const Tensor& output, const Table& operation) : length_(output.shape.elements()), operation_(operation) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    const uint8_t* const table = operation_.table.data();
    const uint8_t* const input = inputs[0];
    const size_t length = length_;
    for (size_t i = 0; i < length; i++) output[i] = table[input[i]];
  }

 private:
  const size_t length_;
  const Table operation_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph&, const Node& node, const Table& operation) {
  return std::make_unique<TableKernel>(node.output, operation);
}

}  // namespace spikescope::scalar
