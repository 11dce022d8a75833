#include "kernels.h"

#if SPIKESCOPE_ARM64

#include "../multiply_layer.h"
#include "vectors.h"

namespace spikescope::neon {
namespace {

class MultiplyKernel final : public Kernel {
 public:
  MultiplyKernel(const Graph& graph, const Node& node, const Multiply& operation) : layer_(graph, node, operation) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    const bool is_unsigned = layer_.is_unsigned();
    for (size_t at = 0; at < layer_.length; at += layer_.gate_length) {
      if (is_unsigned && layer_.zero_point == 0 && layer_.shift > 0) {
        multiply_unsigned<true>(inputs[0] + at, inputs[1], output + at);
      } else if (is_unsigned) {
        multiply_unsigned<false>(inputs[0] + at, inputs[1], output + at);
      } else {
        multiply(inputs[0] + at, inputs[1], output + at);
      }
    }
  }

 private:
  /**
   * Products of unsigned bytes fit in 16 bits, and so does everything after them. `Plain`: a shift that leaves nothing
   * to saturate, and no zero point.
   */
  template <bool Plain>
  void multiply_unsigned(const uint8_t* values, const uint8_t* gates, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(layer_.zero_point, layer_.clamp);
    const int16x8_t right = vdupq_n_s16(static_cast<int16_t>(-layer_.shift));
    const int16x8_t multiplier = vdupq_n_s16(layer_.multiplier);
    const auto scaled = [&](uint16x8_t products) SPIKESCOPE_INLINE_LAMBDA {
      uint16x8_t shifted = vrshlq_u16(products, right);
      if constexpr (!Plain) shifted = vminq_u16(shifted, vdupq_n_u16(32767));
      return vqrdmulhq_s16(vreinterpretq_s16_u16(shifted), multiplier);
    };
    store_all(output, layer_.gate_length, [&](size_t at) SPIKESCOPE_INLINE_LAMBDA {
      const uint8x16_t value = vld1q_u8(values + at);
      const uint8x16_t gate = vld1q_u8(gates + at);
      const int16x8_t low = scaled(vmull_u8(vget_low_u8(value), vget_low_u8(gate)));
      const int16x8_t high = scaled(vmull_high_u8(value, gate));
      return Plain ? saturate(low, high, parameters) : output_bytes(low, high, parameters);
    });
  }

  void multiply(const uint8_t* values, const uint8_t* gates, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(layer_.zero_point, layer_.clamp);
    const uint8x16_t value_zero = vdupq_n_u8(static_cast<uint8_t>(layer_.value_zero_point));
    const uint8x16_t gate_zero = vdupq_n_u8(static_cast<uint8_t>(layer_.gate_zero_point));
    store_all(output, layer_.gate_length, [&](size_t at) SPIKESCOPE_INLINE_LAMBDA {
      const uint8x16_t value = vld1q_u8(values + at);
      const uint8x16_t gate = vld1q_u8(gates + at);
      const int16x8_t low = product(vsubl_u8(vget_low_u8(value), vget_low_u8(value_zero)),
                                    vsubl_u8(vget_low_u8(gate), vget_low_u8(gate_zero)));
      const int16x8_t high = product(vsubl_high_u8(value, value_zero), vsubl_high_u8(gate, gate_zero));
      return output_bytes(low, high, parameters);
    });
  }

  SPIKESCOPE_INLINE int16x8_t product(uint16x8_t a, uint16x8_t b) const {
    const int16x8_t value = vreinterpretq_s16_u16(a);
    const int16x8_t gate = vreinterpretq_s16_u16(b);
    const int32x4_t rounding = vdupq_n_s32(layer_.shift == 0 ? 0 : 1 << (layer_.shift - 1));
    const int32x4_t left = vdupq_n_s32(16 - layer_.shift);
    const int32x4_t first = vmlal_s16(rounding, vget_low_s16(value), vget_low_s16(gate));
    const int32x4_t second = vmlal_high_s16(rounding, value, gate);
    return vqrdmulhq_s16(narrow(first, second, left, left), vdupq_n_s16(layer_.multiplier));
  }

  const MultiplyLayer layer_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Multiply& operation) {
  return std::make_unique<MultiplyKernel>(graph, node, operation);
}

}  // namespace spikescope::neon

#endif
