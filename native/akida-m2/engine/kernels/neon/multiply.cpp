#include "kernels.h"

#if SPIKESCOPE_ARM64

#include "vectors.h"

namespace spikescope::neon {
namespace {

class MultiplyKernel final : public Kernel {
 public:
  MultiplyKernel(const Tensor& value, const Tensor& gate, const Tensor& output, const Multiply& operation)
      : length_(value.shape.elements()),
        gate_length_(gate.shape.elements()),
        value_zero_point_(value.zero_point),
        gate_zero_point_(gate.zero_point),
        zero_point_(output.zero_point),
        multiplier_(operation.requantisation.multiplier[0]),
        shift_(operation.requantisation.shift[0]),
        clamp_(operation.clamp) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    const bool is_unsigned = value_zero_point_ == 0 && gate_zero_point_ == 0;
    for (size_t at = 0; at < length_; at += gate_length_) {
      if (is_unsigned && zero_point_ == 0 && shift_ > 0) {
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
   * Products of unsigned bytes fit in 16 bits, and so does everything after them. `Plain`: a shift that leaves nothing to
   * saturate, and no zero point.
   */
  template <bool Plain>
  void multiply_unsigned(const uint8_t* values, const uint8_t* gates, uint8_t* output) const {
    const Finish parameters = make_finish(zero_point_, clamp_);
    const int16x8_t right = vdupq_n_s16(static_cast<int16_t>(-shift_));
    const int16x8_t multiplier = vdupq_n_s16(multiplier_);
    const auto scaled = [&](uint16x8_t products) SPIKESCOPE_INLINE_LAMBDA {
      uint16x8_t shifted = vrshlq_u16(products, right);
      if constexpr (!Plain) shifted = vminq_u16(shifted, vdupq_n_u16(32767));
      return vqrdmulhq_s16(vreinterpretq_s16_u16(shifted), multiplier);
    };
    store_all(output, gate_length_, [&](size_t at) SPIKESCOPE_INLINE_LAMBDA {
      const uint8x16_t value = vld1q_u8(values + at);
      const uint8x16_t gate = vld1q_u8(gates + at);
      const int16x8_t low = scaled(vmull_u8(vget_low_u8(value), vget_low_u8(gate)));
      const int16x8_t high = scaled(vmull_high_u8(value, gate));
      return Plain ? saturate(low, high, parameters) : finish(low, high, parameters);
    });
  }

  void multiply(const uint8_t* values, const uint8_t* gates, uint8_t* output) const {
    const Finish parameters = make_finish(zero_point_, clamp_);
    const uint8x16_t value_zero = vdupq_n_u8(static_cast<uint8_t>(value_zero_point_));
    const uint8x16_t gate_zero = vdupq_n_u8(static_cast<uint8_t>(gate_zero_point_));
    store_all(output, gate_length_, [&](size_t at) SPIKESCOPE_INLINE_LAMBDA {
      const uint8x16_t value = vld1q_u8(values + at);
      const uint8x16_t gate = vld1q_u8(gates + at);
      const int16x8_t low = product(vsubl_u8(vget_low_u8(value), vget_low_u8(value_zero)),
                                    vsubl_u8(vget_low_u8(gate), vget_low_u8(gate_zero)));
      const int16x8_t high = product(vsubl_high_u8(value, value_zero), vsubl_high_u8(gate, gate_zero));
      return finish(low, high, parameters);
    });
  }

  SPIKESCOPE_INLINE int16x8_t product(uint16x8_t a, uint16x8_t b) const {
    const int16x8_t value = vreinterpretq_s16_u16(a);
    const int16x8_t gate = vreinterpretq_s16_u16(b);
    const int32x4_t rounding = vdupq_n_s32(shift_ == 0 ? 0 : 1 << (shift_ - 1));
    const int32x4_t left = vdupq_n_s32(16 - shift_);
    const int32x4_t first = vmlal_s16(rounding, vget_low_s16(value), vget_low_s16(gate));
    const int32x4_t second = vmlal_high_s16(rounding, value, gate);
    return vqrdmulhq_s16(narrow(first, second, left, left), vdupq_n_s16(multiplier_));
  }

  const size_t length_;
  const size_t gate_length_;
  const int32_t value_zero_point_;
  const int32_t gate_zero_point_;
  const int32_t zero_point_;
  const int16_t multiplier_;
  const int32_t shift_;
  const Clamp clamp_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Multiply& operation) {
  return std::make_unique<MultiplyKernel>(graph.tensor(node.inputs[0]), graph.tensor(node.inputs[1]), node.output,
                                          operation);
}

}  // namespace spikescope::neon

#endif
