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
    if (multipliers_.size() == 2 && shift_ <= kFoldableShift) {
      add_two(inputs[0], inputs[1], output);
    } else {
      add(inputs, output);
    }
  }

 private:
  /** Up to this shift the zero point can be added to a sum of 2^30 without overflow. */
  static constexpr int32_t kFoldableShift = 22;

  /** Σ q × multiplier of sixteen elements. */
  struct Sums {
    uint32x4_t quarters[4];

    SPIKESCOPE_INLINE void add(uint8x16_t values, uint16_t multiplier) {
      const uint8x16_t zero = vdupq_n_u8(0);
      const uint16x8_t low = vreinterpretq_u16_u8(vzip1q_u8(values, zero));
      const uint16x8_t high = vreinterpretq_u16_u8(vzip2q_u8(values, zero));
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

  void add(const uint8_t* const* inputs, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    const uint32x4_t start = vdupq_n_u32(static_cast<uint32_t>(start_));
    const int32x4_t left = vdupq_n_s32(16 - shift_);
    store_all(output, length_, [&](size_t at) {
      Sums sums{{start, start, start, start}};
      for (size_t i = 0; i < multipliers_.size(); i++) sums.add(vld1q_u8(inputs[i] + at), multipliers_[i]);
      return output_bytes(sums.narrowed(0, left), sums.narrowed(1, left), parameters);
    });
  }

  /** The zero point is part of what the sums start from. */
  void add_two(const uint8_t* first, const uint8_t* second, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(0, clamp_);
    const int32x4_t left = vdupq_n_s32(16 - shift_);
    const int32_t start = start_ + zero_point_ * (1 << shift_);
    const int32_t starts[4] = {start, start, start, start};
    const uint16_t multipliers[2] = {multipliers_[0], multipliers_[1]};
    const auto fresh = [&]() SPIKESCOPE_INLINE_LAMBDA { return vreinterpretq_u32_s32(load_fresh(starts)); };
    store_all(output, length_, [&](size_t at) SPIKESCOPE_INLINE_LAMBDA {
      Sums sums{{fresh(), fresh(), fresh(), fresh()}};
      sums.add(vld1q_u8(first + at), multipliers[0]);
      sums.add(vld1q_u8(second + at), multipliers[1]);
      return saturate(sums.narrowed(0, left), sums.narrowed(1, left), parameters);
    });
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
