#include "kernels.h"

#if SPIKESCOPE_ARM64

#include "../pool_windows.h"
#include "vectors.h"

namespace spikescope::neon {
namespace {

/** Sixteen channels at a time; the last ones overlap rather than being fewer. */
class MaxPoolKernel final : public Kernel {
 public:
  MaxPoolKernel(const Tensor& input, const Tensor& output, const MaxPool& operation)
      : input_(input.shape), output_(output.shape), window_(operation.window) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    const auto channels = static_cast<size_t>(input_.channels);
    for (int32_t y = 0; y < output_.height; y++) {
      for (int32_t x = 0; x < output_.width; x++, output += channels) {
        const PoolWindow window = pool_window_at(input_, window_, y, x);
        for (size_t c = 0; c < channels; c += 16) {
          const size_t at = channels >= 16 ? std::min(c, channels - 16) : 0;
          store_bytes(output + at, largest(inputs[0] + window.offset + at, window), channels);
        }
      }
    }
  }

 private:
  uint8x16_t largest(const uint8_t* values, const PoolWindow& window) const {
    const auto channels = static_cast<size_t>(input_.channels);
    uint8x16_t result = vdupq_n_u8(0);
    for (int32_t row = 0; row < window.rows; row++, values += static_cast<size_t>(input_.width) * channels) {
      for (int32_t column = 0; column < window.columns; column++) {
        result = vmaxq_u8(result, vld1q_u8(values + static_cast<size_t>(column) * channels));
      }
    }
    return result;
  }

  const Shape input_;
  const Shape output_;
  const Window window_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const MaxPool& operation) {
  return std::make_unique<MaxPoolKernel>(graph.tensor(node.inputs[0]), node.output, operation);
}

}  // namespace spikescope::neon

#endif
