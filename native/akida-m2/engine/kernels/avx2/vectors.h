#pragma once

#include "../../target.h"

#if SPIKESCOPE_X86

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../../graph.h"

namespace spikescope::avx2 {

#define SPIKESCOPE_INLINE256 SPIKESCOPE_AVX2 __attribute__((always_inline)) inline

/** The output stage: what requantisation does after the multiplier. */
struct OutputStage {
  __m256i zero_point;  // 16 bit
  __m256i minimum;     // bytes
  __m256i maximum;     // bytes
};

SPIKESCOPE_INLINE256 OutputStage make_output_stage(int32_t zero_point, const Clamp& clamp) {
  return {_mm256_set1_epi16(static_cast<int16_t>(zero_point)), _mm256_set1_epi8(static_cast<char>(clamp.minimum)),
          _mm256_set1_epi8(static_cast<char>(clamp.maximum))};
}

/** The same constants, in memory for good: a tile of accumulators leaves no registers for them. */
SPIKESCOPE_INLINE256 const OutputStage* kept_in_memory(const OutputStage* parameters) {
  asm volatile("" : "+r"(parameters) : : "memory");
  return parameters;
}

/**
 * Zero point and clamp on 16-bit values, as bytes: eight of `first` and eight of `second` in each half. Bytes are clamped,
 * not the values before: saturating first changes nothing, since the bounds are bytes.
 */
SPIKESCOPE_INLINE256 __m256i output_bytes(__m256i first, __m256i second, const OutputStage& parameters) {
  const __m256i packed = _mm256_packus_epi16(_mm256_adds_epi16(first, parameters.zero_point),
                                             _mm256_adds_epi16(second, parameters.zero_point));
  return _mm256_min_epu8(_mm256_max_epu8(packed, parameters.minimum), parameters.maximum);
}

SPIKESCOPE_INLINE256 __m256i load256(const void* values) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(values));
}

SPIKESCOPE_INLINE256 __m128i load128(const void* values) {
  return _mm_loadu_si128(static_cast<const __m128i*>(values));
}

/** Sixteen bytes as 16-bit values. */
SPIKESCOPE_INLINE256 __m256i load_wide(const uint8_t* values) { return _mm256_cvtepu8_epi16(load128(values)); }

/** The same of sixteen values alone. */
SPIKESCOPE_INLINE256 __m128i output_bytes(__m256i values, const OutputStage& parameters) {
  return _mm256_castsi256_si128(_mm256_permute4x64_epi64(output_bytes(values, values, parameters), 0x08));
}

SPIKESCOPE_INLINE256 void store_bytes(uint8_t* output, __m256i values, size_t count) {
  if (count >= 32) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(output), values);
    return;
  }
  alignas(32) uint8_t bytes[32];
  _mm256_store_si256(reinterpret_cast<__m256i*>(bytes), values);
  std::memcpy(output, bytes, count);
}

SPIKESCOPE_INLINE256 void store_bytes(uint8_t* output, __m128i values, size_t count) {
  if (count >= 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(output), values);
    return;
  }
  alignas(16) uint8_t bytes[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(bytes), values);
  std::memcpy(output, bytes, count);
}

}  // namespace spikescope::avx2

#endif
