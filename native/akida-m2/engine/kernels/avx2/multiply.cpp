#include "kernels.h"

#if SPIKESCOPE_X86

#include "../multiply_layer.h"
#include "vectors.h"

namespace spikescope::avx2 {
namespace {

class MultiplyKernel final : public Kernel {
 public:
  MultiplyKernel(const Graph& graph, const Node& node, const Multiply& operation) : layer_(graph, node, operation) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    for (size_t at = 0; at < layer_.length; at += layer_.gate_length) multiply(inputs[0] + at, inputs[1], output + at);
  }

 private:
  SPIKESCOPE_AVX2 void multiply(const uint8_t* values, const uint8_t* gates, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(layer_.zero_point, layer_.clamp);
    const __m256i zero = _mm256_setzero_si256();
    const __m256i value_zero = _mm256_set1_epi16(static_cast<int16_t>(layer_.value_zero_point));
    const __m256i gate_zero = _mm256_set1_epi16(static_cast<int16_t>(layer_.gate_zero_point));
    for (size_t at = 0; at < layer_.gate_length; at += 32) {
      const __m256i value = load256(values + at);
      const __m256i gate = load256(gates + at);
      const __m256i low = product(_mm256_sub_epi16(_mm256_unpacklo_epi8(value, zero), value_zero),
                                  _mm256_sub_epi16(_mm256_unpacklo_epi8(gate, zero), gate_zero));
      const __m256i high = product(_mm256_sub_epi16(_mm256_unpackhi_epi8(value, zero), value_zero),
                                   _mm256_sub_epi16(_mm256_unpackhi_epi8(gate, zero), gate_zero));
      store_bytes(output + at, output_bytes(low, high, parameters),
                  layer_.gate_length - at);
    }
  }

  /** Full 32-bit products from their halves, then the rounding shift, saturation and multiplier. */
  SPIKESCOPE_INLINE256 __m256i product(__m256i a, __m256i b) const {
    const __m256i rounding = _mm256_set1_epi32(layer_.shift == 0 ? 0 : 1 << (layer_.shift - 1));
    const __m128i shift = _mm_cvtsi32_si128(layer_.shift);
    const __m256i lower = _mm256_mullo_epi16(a, b);
    const __m256i upper = _mm256_mulhi_epi16(a, b);
    const __m256i first = _mm256_add_epi32(_mm256_unpacklo_epi16(lower, upper), rounding);
    const __m256i second = _mm256_add_epi32(_mm256_unpackhi_epi16(lower, upper), rounding);
    const __m256i narrowed = _mm256_packs_epi32(_mm256_sra_epi32(first, shift), _mm256_sra_epi32(second, shift));
    return _mm256_mulhrs_epi16(narrowed, _mm256_set1_epi16(layer_.multiplier));
  }

  const MultiplyLayer layer_;
};

}  // namespace

std::unique_ptr<Kernel> make_multiply(const Graph& graph, const Node& node, const Multiply& operation) {
  return std::make_unique<MultiplyKernel>(graph, node, operation);
}

}  // namespace spikescope::avx2

#endif
