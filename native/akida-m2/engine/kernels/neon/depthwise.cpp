#include "kernels.h"

#if SPIKESCOPE_ARM64

#include "../depthwise_windows.h"
#include "../layer_rows.h"
#include "vectors.h"

namespace spikescope::neon {
namespace {

constexpr size_t kBlock = 16;

/** Any depthwise convolution with one output per input channel: sixteen channels at a time, tap by tap. */
class DepthwiseKernel final : public Kernel {
 public:
  DepthwiseKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : windows_(input, node, operation, kBlock),
        zero_point_(node.output.zero_point),
        clamp_(operation.clamp),
        output_stride_(node.pixel_stride()) {
    const size_t taps = windows_.taps().size();
    block_bytes_ = kWeights + taps * kBlock * sizeof(int16_t);
    memory_ = allocate_aligned(block_bytes_ * windows_.starts().size());
    const LayerRows layer = rows_of_depthwise(operation, input.zero_point);
    for (size_t block = 0; block < windows_.starts().size(); block++) {
      uint8_t* const packed = memory_.get() + block * block_bytes_;
      for (size_t lane = 0; lane < std::min(kBlock, windows_.channels()); lane++) {
        const size_t channel = windows_.starts()[block] + lane;
        reinterpret_cast<int32_t*>(packed)[lane] = folded_bias(layer, static_cast<int32_t>(channel));
        reinterpret_cast<int32_t*>(packed + kLeft)[lane] = 16 - layer.shift[channel];
        reinterpret_cast<int16_t*>(packed + kMultiplier)[lane] = layer.multiplier[channel];
        for (size_t tap = 0; tap < taps; tap++) {
          reinterpret_cast<int16_t*>(packed + kWeights)[tap * kBlock + lane] = layer.weights[channel * taps + tap];
        }
      }
    }
  }

  size_t scratch_bytes() const override { return windows_.scratch_bytes(); }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    const uint8_t* const input = windows_.prepare(inputs[0], scratch);
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    for (int32_t y = 0; y < windows_.output().height; y++) {
      for (int32_t x = 0; x < windows_.output().width; x++, output += output_stride_) {
        const uint8_t* const window = input + windows_.offset(y, x);
        for (size_t block = 0; block < windows_.starts().size(); block++) {
          const size_t first = windows_.starts()[block];
          convolve(window + first, memory_.get() + block * block_bytes_, parameters, output + first);
        }
      }
    }
  }

 private:
  /** Bytes of bias, then 16 − shift, then multiplier, then weights [tap][channel] of 16 bits. */
  static constexpr size_t kLeft = kBlock * 4;
  static constexpr size_t kMultiplier = 2 * kBlock * 4;
  static constexpr size_t kWeights = kMultiplier + kBlock * 2;

  SPIKESCOPE_INLINE void convolve(const uint8_t* window, const uint8_t* packed, const OutputStage& parameters,
                                  uint8_t* output) const {
    const auto* const bias = reinterpret_cast<const int32_t*>(packed);
    const auto* const left = reinterpret_cast<const int32_t*>(packed + kLeft);
    const auto* const multiplier = reinterpret_cast<const int16_t*>(packed + kMultiplier);
    const auto* weights = reinterpret_cast<const int16_t*>(packed + kWeights);
    int32x4_t sums[4] = {vld1q_s32(bias), vld1q_s32(bias + 4), vld1q_s32(bias + 8), vld1q_s32(bias + 12)};
    for (const size_t tap : windows_.taps()) {
      const uint8x16_t values = vld1q_u8(window + tap);
      const int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(values)));
      const int16x8_t high = vreinterpretq_s16_u16(vmovl_high_u8(values));
      const int16x8_t low_weights = vld1q_s16(weights);
      const int16x8_t high_weights = vld1q_s16(weights + 8);
      sums[0] = vmlal_s16(sums[0], vget_low_s16(low), vget_low_s16(low_weights));
      sums[1] = vmlal_high_s16(sums[1], low, low_weights);
      sums[2] = vmlal_s16(sums[2], vget_low_s16(high), vget_low_s16(high_weights));
      sums[3] = vmlal_high_s16(sums[3], high, high_weights);
      weights += kBlock;
    }
    const int16x8_t low = narrow(sums[0], sums[1], vld1q_s32(left), vld1q_s32(left + 4));
    const int16x8_t high = narrow(sums[2], sums[3], vld1q_s32(left + 8), vld1q_s32(left + 12));
    const uint8x16_t bytes = output_bytes(vqrdmulhq_s16(low, vld1q_s16(multiplier)),
                                    vqrdmulhq_s16(high, vld1q_s16(multiplier + 8)), parameters);
    store_bytes(output, bytes, windows_.channels());
  }

  const DepthwiseWindows windows_;
  const int32_t zero_point_;
  const Clamp clamp_;
  const size_t output_stride_;
  size_t block_bytes_ = 0;
  AlignedMemory memory_;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise(const Graph& graph, const Node& node, const Convolution& operation) {
  const Tensor& input = graph.tensor(node.inputs[0]);
  if (!is_depthwise(input, node, operation)) return nullptr;
  return std::make_unique<DepthwiseKernel>(input, node, operation);
}

}  // namespace spikescope::neon

#endif
