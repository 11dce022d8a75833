#pragma once

#include "../../target.h"

#if SPIKESCOPE_X86

#if defined(__clang__)
#include <immintrin.h>
#else
// GCC's own headers start some intrinsics from a register that they leave unset on purpose.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#include <cstddef>
#include <cstdint>

#include "../../graph.h"

namespace spikescope::avx512vnni {

#define SPIKESCOPE_INLINE512 SPIKESCOPE_AVX512 __attribute__((always_inline)) inline

/** The output stage: what requantisation does after the multiplier. */
struct OutputStage {
  __m512i limit;       // 16 bit: the clamp's maximum less the zero point
  __m512i zero_point;  // 16 bit
  __m512i minimum;     // 8 bit
};

SPIKESCOPE_INLINE512 OutputStage make_output_stage(int32_t zero_point, const Clamp& clamp) {
  return {_mm512_set1_epi16(static_cast<int16_t>(clamp.maximum - zero_point)),
          _mm512_set1_epi16(static_cast<int16_t>(zero_point)), _mm512_set1_epi8(static_cast<char>(clamp.minimum))};
}

/** The same constants, in memory for good: a tile of accumulators leaves no registers for them. */
SPIKESCOPE_INLINE512 const OutputStage* kept_in_memory(const OutputStage* parameters) {
  asm volatile("" : "+r"(parameters) : : "memory");
  return parameters;
}

/**
 * Zero point, saturation to bytes and clamp; `low` and `high` alternate every eight bytes of the result. Limited first,
 * so that the sum cannot overflow: a saturating addition would take a unit that the dot products need.
 */
SPIKESCOPE_INLINE512 __m512i output_bytes(__m512i low, __m512i high, const OutputStage& parameters) {
  const __m512i bytes =
      _mm512_packus_epi16(_mm512_add_epi16(_mm512_min_epi16(low, parameters.limit), parameters.zero_point),
                          _mm512_add_epi16(_mm512_min_epi16(high, parameters.limit), parameters.zero_point));
  return _mm512_max_epu8(bytes, parameters.minimum);
}

/** The same for half as many values, in their order. */
SPIKESCOPE_INLINE512 __m256i output_bytes(__m512i values, const OutputStage& parameters) {
  const __m512i sum = _mm512_add_epi16(_mm512_min_epi16(values, parameters.limit), parameters.zero_point);
  const __m256i bytes = _mm512_cvtepi16_epi8(_mm512_max_epi16(sum, _mm512_setzero_si512()));
  return _mm256_max_epu8(bytes, _mm512_castsi512_si256(parameters.minimum));
}

SPIKESCOPE_INLINE512 __m128i output_bytes(__m256i values, const OutputStage& parameters) {
  const __m256i sum = _mm256_add_epi16(_mm256_min_epi16(values, _mm512_castsi512_si256(parameters.limit)),
                                       _mm512_castsi512_si256(parameters.zero_point));
  const __m128i bytes = _mm256_cvtepi16_epi8(_mm256_max_epi16(sum, _mm256_setzero_si256()));
  return _mm_max_epu8(bytes, _mm512_castsi512_si128(parameters.minimum));
}

/** sums += Σ of four uint8 × int8 per lane. In assembly because GCC 12 copies the accumulator around the intrinsic. */
SPIKESCOPE_INLINE512 void accumulate(__m512i& sums, __m512i values, __m512i weights) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(values), "v"(weights));
}

SPIKESCOPE_INLINE512 __mmask64 first_bytes(size_t count) {
  return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
}

/** Stores the first `count` bytes; whole registers without a mask, because masked stores are slow. */
SPIKESCOPE_INLINE512 void store_bytes(uint8_t* output, __m512i values, size_t count) {
  if (count >= 64) {
    _mm512_storeu_si512(output, values);
  } else {
    _mm512_mask_storeu_epi8(output, first_bytes(count), values);
  }
}

SPIKESCOPE_INLINE512 void store_bytes(uint8_t* output, __m256i values, size_t count) {
  if (count >= 32) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(output), values);
  } else if (count == 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(output), _mm256_castsi256_si128(values));
  } else {
    _mm256_mask_storeu_epi8(output, static_cast<__mmask32>(first_bytes(count)), values);
  }
}

SPIKESCOPE_INLINE512 void store_bytes(uint8_t* output, __m128i values, size_t count) {
  if (count >= 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(output), values);
  } else {
    _mm_mask_storeu_epi8(output, static_cast<__mmask16>(first_bytes(count)), values);
  }
}

}  // namespace spikescope::avx512vnni

#endif
