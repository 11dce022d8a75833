#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <vector>

#include "../depthwise_windows.h"
#include "../layer_rows.h"
#include "vectors.h"

namespace spikescope::avx2 {
namespace {

constexpr size_t kBlock = 16;

/** Depthwise convolution with one output per input channel: sixteen channels and two taps at a time. */
class DepthwiseKernel final : public Kernel {
 public:
  DepthwiseKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : windows_(input, node, operation, kBlock),
        zero_point_(node.output.zero_point),
        clamp_(operation.clamp),
        output_stride_(node.pixel_stride()),
        taps_(windows_.taps()) {
    // An odd last tap is paired with itself, at weight zero.
    if (taps_.size() % 2 == 1) taps_.push_back(taps_.back());
    pack(input, operation);
  }

  size_t scratch_bytes() const override { return windows_.scratch_bytes(); }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    convolve(windows_.prepare(inputs[0], scratch), output);
  }

 private:
  /** Bias and shift of sixteen channels, multipliers. */
  static constexpr size_t kHeaderBytes = 64 + 64 + 32;

  void pack(const Tensor& input, const Convolution& operation) {
    const auto area = static_cast<size_t>(operation.window.area());
    block_bytes_ = kHeaderBytes + taps_.size() * 32;
    memory_ = allocate_aligned(block_bytes_ * windows_.starts().size());
    const LayerRows layer = rows_of_depthwise(operation, input.zero_point);
    for (size_t block = 0; block < windows_.starts().size(); block++) {
      uint8_t* const header = memory_.get() + block * block_bytes_;
      auto* const words = reinterpret_cast<int32_t*>(header);
      auto* const multipliers = reinterpret_cast<int16_t*>(header + 128);
      auto* const weights = reinterpret_cast<int16_t*>(header + kHeaderBytes);
      for (size_t lane = 0; lane < std::min(kBlock, windows_.channels()); lane++) {
        const size_t channel = windows_.starts()[block] + lane;
        words[lane] = folded_bias(layer, static_cast<int32_t>(channel));
        words[16 + lane] = layer.shift[channel];
        multipliers[lane] = layer.multiplier[channel];
        for (size_t tap = 0; tap < area; tap++) {
          weights[tap / 2 * 32 + lane * 2 + tap % 2] = layer.weights[channel * area + tap];
        }
      }
    }
  }

  SPIKESCOPE_AVX2 void convolve(const uint8_t* input, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    for (int32_t y = 0; y < windows_.output().height; y++) {
      for (int32_t x = 0; x < windows_.output().width; x++) {
        const uint8_t* const window = input + windows_.offset(y, x);
        for (size_t block = 0; block < windows_.starts().size(); block++) {
          convolve_block(window + windows_.starts()[block], memory_.get() + block * block_bytes_, parameters,
                         output + windows_.starts()[block]);
        }
        output += output_stride_;
      }
    }
  }

  SPIKESCOPE_INLINE256 void convolve_block(const uint8_t* values, const uint8_t* packed, const OutputStage& parameters,
                                           uint8_t* output) const {
    __m256i low = load256(packed);
    __m256i high = load256(packed + 32);
    const uint8_t* weights = packed + kHeaderBytes;
    for (size_t tap = 0; tap < taps_.size(); tap += 2, weights += 64) {
      const __m128i even = load128(values + taps_[tap]);
      const __m128i odd = load128(values + taps_[tap + 1]);
      const __m256i low_pairs = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(even, odd));
      const __m256i high_pairs = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(even, odd));
      low = _mm256_add_epi32(low, _mm256_madd_epi16(low_pairs, load256(weights)));
      high = _mm256_add_epi32(high, _mm256_madd_epi16(high_pairs, load256(weights + 32)));
    }
    low = _mm256_srav_epi32(low, load256(packed + 64));
    high = _mm256_srav_epi32(high, load256(packed + 96));
    const __m256i narrowed = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
    const __m256i scaled = _mm256_mulhrs_epi16(narrowed, load256(packed + 128));
    store_bytes(output, output_bytes(scaled, parameters), std::min(kBlock, windows_.channels()));
  }

  const DepthwiseWindows windows_;
  const int32_t zero_point_;
  const Clamp clamp_;
  const size_t output_stride_;
  std::vector<size_t> taps_;
  size_t block_bytes_ = 0;
  AlignedMemory memory_;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise(const Graph& graph, const Node& node, const Convolution& operation) {
  const Tensor& input = graph.tensor(node.inputs[0]);
  if (!is_depthwise(input, node, operation)) return nullptr;
  return std::make_unique<DepthwiseKernel>(input, node, operation);
}

}  // namespace spikescope::avx2

#endif
