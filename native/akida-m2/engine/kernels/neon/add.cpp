#include "kernels.h"

#if SPIKESCOPE_ARM64

#include <vector>

#include "vectors.h"

namespace spikescope::neon {
namespace {

class AddKernel final : public Kernel {
 public:
  AddKernel(const Graph& graph, const Node& node, const Add& operation)
      : length_(node.output.shape.elements()),
        zero_point_(node.output.zero_point),
        shift_(operation.shift),
        clamp_(operation.clamp),
        multipliers_(operation.multipliers.begin(), operation.multipliers.end()) {
    start_ = shift_ == 0 ? 0 : 1 << (shift_ - 1);
    for (size_t i = 0; i < node.inputs.size(); i++) {
      start_ -= graph.tensor(node.inputs[i]).zero_point * operation.multipliers[i];
    }
  }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    if (multipliers_.size() == 2) {
      add<2>(inputs, output);
    } else {
      add<0>(inputs, output);
    }
  }

 private:
  /** Σ q × multiplier of sixteen elements. */
  struct Sums {
    uint32x4_t quarters[4];

    SPIKESCOPE_INLINE void add(uint8x16_t values, uint16_t multiplier) {
      const uint16x8_t low = vmovl_u8(vget_low_u8(values));
      const uint16x8_t high = vmovl_high_u8(values);
      quarters[0] = vmlal_n_u16(quarters[0], vget_low_u16(low), multiplier);
      quarters[1] = vmlal_high_n_u16(quarters[1], low, multiplier);
      quarters[2] = vmlal_n_u16(quarters[2], vget_low_u16(high), multiplier);
      quarters[3] = vmlal_high_n_u16(quarters[3], high, multiplier);
    }

    SPIKESCOPE_INLINE int16x8_t narrowed(int half, int32x4_t left) const {
      return narrow(vreinterpretq_s32_u32(quarters[2 * half]), vreinterpretq_s32_u32(quarters[2 * half + 1]), left,
                    left);
    }
  };

  /** `Inputs`: how many there are, or 0 where the compiler need not know. */
  template <size_t Inputs>
  void add(const uint8_t* const* inputs, uint8_t* output) const {
    const Finish parameters = make_finish(zero_point_, clamp_);
    const uint32x4_t start = vdupq_n_u32(static_cast<uint32_t>(start_));
    const int32x4_t left = vdupq_n_s32(16 - shift_);
    const size_t count = Inputs == 0 ? multipliers_.size() : Inputs;
    for (size_t at = 0; at < length_; at += 16) {
      Sums sums{{start, start, start, start}};
      for (size_t i = 0; i < count; i++) sums.add(vld1q_u8(inputs[i] + at), multipliers_[i]);
      store_bytes(output + at, finish(sums.narrowed(0, left), sums.narrowed(1, left), parameters), length_ - at);
    }
  }

  const size_t length_;
  const int32_t zero_point_;
  const int32_t shift_;
  const Clamp clamp_;
  const std::vector<uint16_t> multipliers_;
  int32_t start_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Add& operation) {
  return std::make_unique<AddKernel>(graph, node, operation);
}

}  // namespace spikescope::neon

#endif
