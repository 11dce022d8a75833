#include "kernels.h"

#if SPIKESCOPE_X86

#include "../multiply_layer.h"
#include "vectors.h"

namespace spikescope::avx512vnni {
namespace {

class MultiplyKernel final : public Kernel {
 public:
  MultiplyKernel(const Graph& graph, const Node& node, const Multiply& operation) : layer_(graph, node, operation) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    for (size_t at = 0; at < layer_.length; at += layer_.gate_length) {
      if (layer_.is_unsigned()) {
        multiply_unsigned(inputs[0] + at, inputs[1], output + at);
      } else {
        multiply(inputs[0] + at, inputs[1], output + at);
      }
    }
  }

 private:
  /** Products of unsigned bytes fit in 16 bits, and so does everything after them. */
  SPIKESCOPE_AVX512 void multiply_unsigned(const uint8_t* values, const uint8_t* gates, uint8_t* output) const {
    const Finish parameters = make_finish(layer_.zero_point, layer_.clamp);
    const __m512i zero = _mm512_setzero_si512();
    for (size_t at = 0; at < layer_.gate_length; at += 64) {
      const __m512i value = _mm512_loadu_si512(values + at);
      const __m512i gate = _mm512_loadu_si512(gates + at);
      const __m512i low = narrow_unsigned(
          _mm512_mullo_epi16(_mm512_unpacklo_epi8(value, zero), _mm512_unpacklo_epi8(gate, zero)));
      const __m512i high = narrow_unsigned(
          _mm512_mullo_epi16(_mm512_unpackhi_epi8(value, zero), _mm512_unpackhi_epi8(gate, zero)));
      store_bytes(output + at, finish(low, high, parameters),
                  layer_.gate_length - at);
    }
  }

  /** Rounding shift, saturation and multiplier; the average with zero is a rounding shift by one. */
  SPIKESCOPE_INLINE512 __m512i narrow_unsigned(__m512i products) const {
    if (layer_.shift > 0) {
      products = _mm512_srl_epi16(products, _mm_cvtsi32_si128(layer_.shift - 1));
      products = _mm512_avg_epu16(products, _mm512_setzero_si512());
    }
    products = _mm512_min_epu16(products, _mm512_set1_epi16(32767));
    return _mm512_mulhrs_epi16(products, _mm512_set1_epi16(layer_.multiplier));
  }

  SPIKESCOPE_AVX512 void multiply(const uint8_t* values, const uint8_t* gates, uint8_t* output) const {
    const Finish parameters = make_finish(layer_.zero_point, layer_.clamp);
    const __m512i zero = _mm512_setzero_si512();
    const __m512i value_zero = _mm512_set1_epi16(static_cast<int16_t>(layer_.value_zero_point));
    const __m512i gate_zero = _mm512_set1_epi16(static_cast<int16_t>(layer_.gate_zero_point));
    for (size_t at = 0; at < layer_.gate_length; at += 64) {
      const __m512i value = _mm512_loadu_si512(values + at);
      const __m512i gate = _mm512_loadu_si512(gates + at);
      const __m512i low = product(_mm512_sub_epi16(_mm512_unpacklo_epi8(value, zero), value_zero),
                                  _mm512_sub_epi16(_mm512_unpacklo_epi8(gate, zero), gate_zero));
      const __m512i high = product(_mm512_sub_epi16(_mm512_unpackhi_epi8(value, zero), value_zero),
                                   _mm512_sub_epi16(_mm512_unpackhi_epi8(gate, zero), gate_zero));
      store_bytes(output + at, finish(low, high, parameters),
                  layer_.gate_length - at);
    }
  }

  SPIKESCOPE_INLINE512 __m512i product(__m512i a, __m512i b) const {
    const __m512i rounding = _mm512_set1_epi32(layer_.shift == 0 ? 0 : 1 << (layer_.shift - 1));
    const __m128i shift = _mm_cvtsi32_si128(layer_.shift);
    const __m512i lower = _mm512_mullo_epi16(a, b);
    const __m512i upper = _mm512_mulhi_epi16(a, b);
    const __m512i first = _mm512_add_epi32(_mm512_unpacklo_epi16(lower, upper), rounding);
    const __m512i second = _mm512_add_epi32(_mm512_unpackhi_epi16(lower, upper), rounding);
    const __m512i narrowed = _mm512_packs_epi32(_mm512_sra_epi32(first, shift), _mm512_sra_epi32(second, shift));
    return _mm512_mulhrs_epi16(narrowed, _mm512_set1_epi16(layer_.multiplier));
  }

  const MultiplyLayer layer_;
};

}  // namespace

std::unique_ptr<Kernel> make_multiply(const Graph& graph, const Node& node, const Multiply& operation) {
  return std::make_unique<MultiplyKernel>(graph, node, operation);
}

}  // namespace spikescope::avx512vnni

#endif
