#include "kernels.h"

#if SPIKESCOPE_ARM64

#include <vector>

#include "../average_entries.h"
#include "../pool_windows.h"
#include "vectors.h"

namespace spikescope::neon {
namespace {

/** Sixteen channels at a time; the last ones overlap rather than being fewer. */
class AveragePoolKernel final : public Kernel {
 public:
  AveragePoolKernel(const Tensor& input, const Tensor& output, const AveragePool& operation)
      : input_(input.shape),
        output_(output.shape),
        window_(operation.window),
        zero_point_(output.zero_point),
        clamp_(operation.clamp) {
    for (const AverageEntry& entry : average_entries(window_.area(), input.zero_point, operation.requantisation)) {
      divisors_.push_back({vdupq_n_s16(entry.start), vdupq_n_s16(static_cast<int16_t>(-entry.shift)),
                           vdupq_n_s16(entry.multiplier)});
    }
  }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    if (is_halving()) return halve(inputs[0], output);
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    const auto channels = static_cast<size_t>(input_.channels);
    for (int32_t y = 0; y < output_.height; y++) {
      for (int32_t x = 0; x < output_.width; x++, output += channels) {
        const PoolWindow window = pool_window_at(input_, window_, y, x);
        const Divisor divisor = divisors_[static_cast<size_t>(window.rows * window.columns) - 1];
        for (size_t c = 0; c < channels; c += 16) {
          const size_t at = channels >= 16 ? std::min(c, channels - 16) : 0;
          const Sums sums = sum_of(inputs[0] + window.offset + at, window);
          const uint8x16_t bytes = output_bytes(average(sums.low, divisor), average(sums.high, divisor), parameters);
          store_bytes(output + at, bytes, channels);
        }
      }
    }
  }

 private:
  /** One of `AverageEntry`, in registers. */
  struct Divisor {
    int16x8_t start;
    int16x8_t left;
    int16x8_t multiplier;
  };

  struct Sums {
    uint16x8_t low;
    uint16x8_t high;
  };

  /** Whole windows of two by two, beside each other: the usual pool. */
  bool is_halving() const {
    return window_.kernel_height == 2 && window_.kernel_width == 2 && window_.stride_height == 2 &&
           window_.stride_width == 2 && window_.padding.none() && input_.channels % 16 == 0;
  }

  void halve(const uint8_t* input, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    const Divisor divisor = divisors_[3];
    const auto channels = static_cast<size_t>(input_.channels);
    const size_t row_bytes = static_cast<size_t>(input_.width) * channels;
    const int32_t height = output_.height;
    const int32_t width = output_.width;
    for (int32_t y = 0; y < height; y++, input += 2 * row_bytes) {
      const uint8_t* upper = input;
      for (int32_t x = 0; x < width; x++, upper += 2 * channels) {
        const uint8_t* const lower = upper + row_bytes;
        for (size_t c = 0; c < channels; c += 16, output += 16) {
          const Sums sums = sum_of_four(upper + c, lower + c, channels);
          vst1q_u8(output, output_bytes(average(sums.low, divisor), average(sums.high, divisor), parameters));
        }
      }
    }
  }

  static SPIKESCOPE_INLINE Sums sum_of_four(const uint8_t* upper, const uint8_t* lower, size_t step) {
    const Sums first = sum_of_two(upper, step);
    const Sums second = sum_of_two(lower, step);
    return {vaddq_u16(first.low, second.low), vaddq_u16(first.high, second.high)};
  }

  SPIKESCOPE_INLINE Sums sum_of(const uint8_t* values, const PoolWindow& window) const {
    const auto channels = static_cast<size_t>(input_.channels);
    const size_t row_bytes = static_cast<size_t>(input_.width) * channels;
    Sums sums{vdupq_n_u16(0), vdupq_n_u16(0)};
    for (int32_t row = 0; row < window.rows; row++, values += row_bytes) {
      for (int32_t column = 0; column < window.columns; column++) {
        const uint8x16_t pixel = vld1q_u8(values + static_cast<size_t>(column) * channels);
        sums.low = vaddw_u8(sums.low, vget_low_u8(pixel));
        sums.high = vaddw_high_u8(sums.high, pixel);
      }
    }
    return sums;
  }

  static SPIKESCOPE_INLINE Sums sum_of_two(const uint8_t* values, size_t step) {
    const uint8x16_t left = vld1q_u8(values);
    const uint8x16_t right = vld1q_u8(values + step);
    return {vaddl_u8(vget_low_u8(left), vget_low_u8(right)), vaddl_high_u8(left, right)};
  }

  static SPIKESCOPE_INLINE int16x8_t average(uint16x8_t sums, const Divisor& divisor) {
    const int16x8_t started = vaddq_s16(vreinterpretq_s16_u16(sums), divisor.start);
    return vqrdmulhq_s16(vshlq_s16(started, divisor.left), divisor.multiplier);
  }

  const Shape input_;
  const Shape output_;
  const Window window_;
  const int32_t zero_point_;
  const Clamp clamp_;
  /** By number of pixels. */
  std::vector<Divisor> divisors_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const AveragePool& operation) {
  if (operation.window.area() > kLargestNarrowArea) return nullptr;
  return std::make_unique<AveragePoolKernel>(graph.tensor(node.inputs[0]), node.output, operation);
}

}  // namespace spikescope::neon

#endif
