#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <vector>

#include "../depthwise_windows.h"
#include "../layer_rows.h"
#include "vectors.h"

namespace spikescope::avx512vnni {
namespace {

constexpr size_t kBlock = 16;

/** Any window over few channels: sixteen of them at a time, tap by tap. */
class DepthwiseKernel final : public Kernel {
 public:
  DepthwiseKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : windows_(input, node, operation, kBlock),
        zero_point_(node.output.zero_point),
        clamp_(operation.clamp),
        output_stride_(node.pixel_stride()) {
    pack(input, operation);
  }

  size_t scratch_bytes() const override { return windows_.scratch_bytes(); }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    convolve(windows_.prepare(inputs[0], scratch), output);
  }

 private:
  static constexpr size_t kHeader = 3;

  /** Per block: bias, shift, multiplier (in the low half of each lane's register), then one register per tap. */
  void pack(const Tensor& input, const Convolution& operation) {
    const size_t taps = windows_.taps().size();
    block_bytes_ = (kHeader + taps) * 64;
    memory_ = allocate_aligned(block_bytes_ * windows_.starts().size());
    const LayerRows layer = rows_of_depthwise(operation, input.zero_point);
    for (size_t block = 0; block < windows_.starts().size(); block++) {
      auto* const words = reinterpret_cast<int32_t*>(memory_.get() + block * block_bytes_);
      auto* const multipliers = reinterpret_cast<int16_t*>(words + 32);
      for (size_t lane = 0; lane < std::min(kBlock, windows_.channels()); lane++) {
        const size_t channel = windows_.starts()[block] + lane;
        words[lane] = folded_bias(layer, static_cast<int32_t>(channel));
        words[16 + lane] = layer.shift[channel];
        multipliers[lane] = layer.multiplier[channel];
        for (size_t tap = 0; tap < taps; tap++) {
          // One weight in the lowest byte; the activation is alone in its lane too.
          words[(kHeader + tap) * 16 + lane] = static_cast<uint8_t>(layer.weights[channel * taps + tap]);
        }
      }
    }
  }

  SPIKESCOPE_AVX512 void convolve(const uint8_t* input, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    const size_t count = std::min(kBlock, windows_.channels());
    for (int32_t y = 0; y < windows_.output().height; y++) {
      for (int32_t x = 0; x < windows_.output().width; x++) {
        const uint8_t* const window = input + windows_.offset(y, x);
        for (size_t block = 0; block < windows_.starts().size(); block++) {
          const uint8_t* const packed = memory_.get() + block * block_bytes_;
          const uint8_t* const values = window + windows_.starts()[block];
          __m512i sum = _mm512_load_si512(packed);
          for (size_t tap = 0; tap < windows_.taps().size(); tap++) {
            const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values + windows_.taps()[tap]));
            accumulate(sum, _mm512_cvtepu8_epi32(bytes), _mm512_load_si512(packed + (kHeader + tap) * 64));
          }
          const __m256i narrowed = _mm512_cvtsepi32_epi16(_mm512_srav_epi32(sum, _mm512_load_si512(packed + 64)));
          const __m256i scaled =
              _mm256_mulhrs_epi16(narrowed, _mm256_load_si256(reinterpret_cast<const __m256i*>(packed + 128)));
          store_bytes(output + windows_.starts()[block], output_bytes(scaled, parameters), count);
        }
        output += output_stride_;
      }
    }
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

}  // namespace spikescope::avx512vnni

#endif
