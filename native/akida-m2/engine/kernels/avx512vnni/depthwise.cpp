#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <optional>
#include <vector>

#include "../window_matrix.h"
#include "vectors.h"

namespace spikescope::avx512vnni {
namespace {

/** Any depthwise convolution with one output per input channel: sixteen channels at a time, tap by tap. */
class DepthwiseKernel final : public Kernel {
 public:
  DepthwiseKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : output_(node.output.shape),
        channels_(static_cast<size_t>(output_.channels)),
        zero_point_(node.output.zero_point),
        clamp_(operation.clamp),
        output_stride_(node.pixel_stride()) {
    const Window& window = operation.window;
    Shape padded = input.shape;
    if (!window.padding.none()) {
      copy_.emplace(input.shape, window.padding, operation.padding_values);
      padded = copy_->shape();
      scratch_bytes_ = padded.elements() + kReadableSlack;
    }
    const size_t row = static_cast<size_t>(padded.width) * channels_;
    row_step_ = static_cast<size_t>(window.stride_height) * row;
    column_step_ = static_cast<size_t>(window.stride_width) * channels_;
    for (int32_t y = 0; y < window.kernel_height; y++) {
      for (int32_t x = 0; x < window.kernel_width; x++) {
        taps_.push_back(static_cast<size_t>(y) * row + static_cast<size_t>(x) * channels_);
      }
    }
    // The last block overlaps the one before it rather than being narrower.
    for (size_t first = 0; first < channels_; first += 16) {
      starts_.push_back(channels_ >= 16 ? std::min(first, channels_ - 16) : 0);
    }
    pack(input, operation);
  }

  size_t scratch_bytes() const override { return scratch_bytes_; }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    if (copy_) copy_->run(inputs[0], scratch);
    convolve(copy_ ? scratch : inputs[0], output);
  }

 private:
  static constexpr size_t kHeader = 3;

  /** Per block: bias, shift, multiplier (in the low half of each lane's register), then one register per tap. */
  void pack(const Tensor& input, const Convolution& operation) {
    block_bytes_ = (kHeader + taps_.size()) * 64;
    memory_ = allocate_aligned(block_bytes_ * starts_.size());
    const LayerRows layer{operation.weights.data(),
                          operation.bias.data(),
                          operation.requantisation.multiplier.data(),
                          operation.requantisation.shift.data(),
                          output_.channels,
                          1,
                          static_cast<int32_t>(taps_.size()),
                          input.zero_point};
    for (size_t block = 0; block < starts_.size(); block++) {
      auto* const words = reinterpret_cast<int32_t*>(memory_.get() + block * block_bytes_);
      auto* const multipliers = reinterpret_cast<int16_t*>(words + 32);
      for (size_t lane = 0; lane < std::min<size_t>(16, channels_); lane++) {
        const size_t channel = starts_[block] + lane;
        words[lane] = folded_bias(layer, static_cast<int32_t>(channel));
        words[16 + lane] = layer.shift[channel];
        multipliers[lane] = layer.multiplier[channel];
        for (size_t tap = 0; tap < taps_.size(); tap++) {
          // One weight in the lowest byte; the activation is alone in its lane too.
          words[(kHeader + tap) * 16 + lane] = static_cast<uint8_t>(layer.weights[channel * taps_.size() + tap]);
        }
      }
    }
  }

  SPIKESCOPE_AVX512 void convolve(const uint8_t* input, uint8_t* output) const {
    const Finish parameters = make_finish(zero_point_, clamp_);
    const size_t count = std::min<size_t>(16, channels_);
    for (int32_t y = 0; y < output_.height; y++) {
      for (int32_t x = 0; x < output_.width; x++) {
        const uint8_t* const window = input + static_cast<size_t>(y) * row_step_ + static_cast<size_t>(x) * column_step_;
        for (size_t block = 0; block < starts_.size(); block++) {
          const uint8_t* const packed = memory_.get() + block * block_bytes_;
          const uint8_t* const values = window + starts_[block];
          __m512i sum = _mm512_load_si512(packed);
          for (size_t tap = 0; tap < taps_.size(); tap++) {
            const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values + taps_[tap]));
            accumulate(sum, _mm512_cvtepu8_epi32(bytes), _mm512_load_si512(packed + (kHeader + tap) * 64));
          }
          const __m256i narrowed = _mm512_cvtsepi32_epi16(_mm512_srav_epi32(sum, _mm512_load_si512(packed + 64)));
          const __m256i scaled =
              _mm256_mulhrs_epi16(narrowed, _mm256_load_si256(reinterpret_cast<const __m256i*>(packed + 128)));
          store_bytes(output + starts_[block], finish(scaled, parameters), count);
        }
        output += output_stride_;
      }
    }
  }

  const Shape output_;
  const size_t channels_;
  const int32_t zero_point_;
  const Clamp clamp_;
  const size_t output_stride_;
  std::optional<PaddedCopy> copy_;
  size_t scratch_bytes_ = 0;
  size_t row_step_;
  size_t column_step_;
  std::vector<size_t> taps_;
  std::vector<size_t> starts_;
  size_t block_bytes_ = 0;
  AlignedMemory memory_;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise(const Graph& graph, const Node& node, const Convolution& operation) {
  const Tensor& input = graph.tensor(node.inputs[0]);
  const bool depthwise = operation.groups == input.shape.channels && node.output.shape.channels == operation.groups;
  if (!depthwise) return nullptr;
  return std::make_unique<DepthwiseKernel>(input, node, operation);
}

}  // namespace spikescope::avx512vnni

#endif
