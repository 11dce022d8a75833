#pragma once

#include "vectors.h"

#if SPIKESCOPE_X86

#include "../add_layer.h"
#include "../multiply_layer.h"

/** Operators on 64 values at once, alone and behind a convolution. */
namespace spikescope::avx512vnni {

/** A table of 256 bytes in four registers: two look-ups of 128 entries each, and the top bit chooses. */
SPIKESCOPE_INLINE512 __m512i look_up(__m512i values, const uint8_t* table) {
  const __m512i low =
      _mm512_permutex2var_epi8(_mm512_load_si512(table), values, _mm512_load_si512(table + 64));
  const __m512i high =
      _mm512_permutex2var_epi8(_mm512_load_si512(table + 128), values, _mm512_load_si512(table + 192));
  return _mm512_mask_blend_epi8(_mm512_movepi8_mask(values), low, high);
}

/**
 * Rounding shift, saturation and multiplier of products of two unsigned bytes, which leave room for the rounding term
 * in 16 bits as long as the shift is small.
 */
struct UnsignedProducts {
  __m512i rounding;
  __m512i multiplier;
  __m128i shift;

  SPIKESCOPE_INLINE512 __m512i narrow(__m512i products) const {
    const __m512i shifted = _mm512_srl_epi16(_mm512_add_epi16(products, rounding), shift);
    return _mm512_mulhrs_epi16(_mm512_min_epu16(shifted, _mm512_set1_epi16(32767)), multiplier);
  }
};

SPIKESCOPE_INLINE512 UnsignedProducts unsigned_products(const MultiplyLayer& layer) {
  return {_mm512_set1_epi16(static_cast<int16_t>(layer.shift == 0 ? 0 : 1 << (layer.shift - 1))),
          _mm512_set1_epi16(layer.multiplier), _mm_cvtsi32_si128(layer.shift)};
}

SPIKESCOPE_INLINE512 __m512i product_of_low(__m512i a, __m512i b) {
  const __m512i zero = _mm512_setzero_si512();
  return _mm512_mullo_epi16(_mm512_unpacklo_epi8(a, zero), _mm512_unpacklo_epi8(b, zero));
}

SPIKESCOPE_INLINE512 __m512i product_of_high(__m512i a, __m512i b) {
  const __m512i zero = _mm512_setzero_si512();
  return _mm512_mullo_epi16(_mm512_unpackhi_epi8(a, zero), _mm512_unpackhi_epi8(b, zero));
}

SPIKESCOPE_INLINE512 __m512i product_signed(__m512i a, __m512i b, const MultiplyLayer& layer) {
  const __m512i rounding = _mm512_set1_epi32(layer.shift == 0 ? 0 : 1 << (layer.shift - 1));
  const __m128i shift = _mm_cvtsi32_si128(layer.shift);
  const __m512i lower = _mm512_mullo_epi16(a, b);
  const __m512i upper = _mm512_mulhi_epi16(a, b);
  const __m512i first = _mm512_add_epi32(_mm512_unpacklo_epi16(lower, upper), rounding);
  const __m512i second = _mm512_add_epi32(_mm512_unpackhi_epi16(lower, upper), rounding);
  const __m512i narrowed = _mm512_packs_epi32(_mm512_sra_epi32(first, shift), _mm512_sra_epi32(second, shift));
  return _mm512_mulhrs_epi16(narrowed, _mm512_set1_epi16(layer.multiplier));
}

SPIKESCOPE_INLINE512 __m512i multiply_signed(__m512i value, __m512i gate, const MultiplyLayer& layer,
                                             const OutputStage& parameters) {
  const __m512i zero = _mm512_setzero_si512();
  const __m512i value_zero = _mm512_set1_epi16(static_cast<int16_t>(layer.value_zero_point));
  const __m512i gate_zero = _mm512_set1_epi16(static_cast<int16_t>(layer.gate_zero_point));
  const __m512i low = product_signed(_mm512_sub_epi16(_mm512_unpacklo_epi8(value, zero), value_zero),
                                     _mm512_sub_epi16(_mm512_unpacklo_epi8(gate, zero), gate_zero), layer);
  const __m512i high = product_signed(_mm512_sub_epi16(_mm512_unpackhi_epi8(value, zero), value_zero),
                                      _mm512_sub_epi16(_mm512_unpackhi_epi8(gate, zero), gate_zero), layer);
  return output_bytes(low, high, parameters);
}

/** Σ q × multiplier of 64 values, two inputs at a time: each 32-bit lane holds one value of either. */
struct PairSums {
  __m512i sums[4];

  SPIKESCOPE_INLINE512 void start(int32_t value) {
    for (__m512i& sum : sums) sum = _mm512_set1_epi32(value);
  }

  SPIKESCOPE_INLINE512 void add(__m512i first, __m512i second, int32_t both_multipliers) {
    const __m512i zero = _mm512_setzero_si512();
    const __m512i multipliers = _mm512_set1_epi32(both_multipliers);
    const __m512i low = _mm512_unpacklo_epi8(first, second);
    const __m512i high = _mm512_unpackhi_epi8(first, second);
    sums[0] = _mm512_dpwssd_epi32(sums[0], _mm512_unpacklo_epi8(low, zero), multipliers);
    sums[1] = _mm512_dpwssd_epi32(sums[1], _mm512_unpackhi_epi8(low, zero), multipliers);
    sums[2] = _mm512_dpwssd_epi32(sums[2], _mm512_unpacklo_epi8(high, zero), multipliers);
    sums[3] = _mm512_dpwssd_epi32(sums[3], _mm512_unpackhi_epi8(high, zero), multipliers);
  }

  SPIKESCOPE_INLINE512 __m512i bytes(int32_t shift, const OutputStage& parameters) const {
    const __m128i count = _mm_cvtsi32_si128(shift);
    const __m512i low = _mm512_packs_epi32(_mm512_sra_epi32(sums[0], count), _mm512_sra_epi32(sums[1], count));
    const __m512i high = _mm512_packs_epi32(_mm512_sra_epi32(sums[2], count), _mm512_sra_epi32(sums[3], count));
    return output_bytes(low, high, parameters);
  }
};

}  // namespace spikescope::avx512vnni

#endif
