#pragma once

#include "vectors.h"

#if SPIKESCOPE_X86

#include "../packed_layer.h"

/** uint8 windows × packed int8 weights → uint8, the heart of convolution and dense layers. */
namespace spikescope::avx512vnni {

/** Registers per block of output channels. */
inline PackedForm packed_form() { return {16, {4, 2, 1}, 1}; }

struct MatrixShape {
  const size_t* run_offsets;
  int32_t runs;
  /** 32-bit words per run. */
  int32_t steps;
};

/** Accumulators of one pixel → its bytes. */
template <int Vectors>
SPIKESCOPE_INLINE512 void store_pixel(const __m512i* sums, const ChannelBlock& block, const Finish& parameters,
                                      uint8_t* output) {
  const auto channels = static_cast<size_t>(block.channels);
  __m512i shifted[Vectors];
#pragma GCC unroll 4
  for (int v = 0; v < Vectors; v++) {
    shifted[v] = _mm512_srav_epi32(sums[v], _mm512_load_si512(block.shift + v * 16));
  }
  if constexpr (Vectors == 4) {
    const __m512i low = _mm512_mulhrs_epi16(_mm512_packs_epi32(shifted[0], shifted[1]),
                                            _mm512_load_si512(block.multiplier));
    const __m512i high = _mm512_mulhrs_epi16(_mm512_packs_epi32(shifted[2], shifted[3]),
                                             _mm512_load_si512(block.multiplier + 32));
    store_bytes(output, _mm512_packus_epi16(finish(low, parameters), finish(high, parameters)), channels);
  } else if constexpr (Vectors == 2) {
    const __m512i scaled = _mm512_mulhrs_epi16(_mm512_packs_epi32(shifted[0], shifted[1]),
                                               _mm512_load_si512(block.multiplier));
    store_bytes(output, _mm512_cvtepi16_epi8(finish(scaled, parameters)), channels);
  } else {
    const __m256i narrowed = _mm512_cvtsepi32_epi16(shifted[0]);
    const __m256i multiplier = _mm256_load_si256(reinterpret_cast<const __m256i*>(block.multiplier));
    const __m256i scaled = _mm256_mulhrs_epi16(narrowed, multiplier);
    store_bytes(output, _mm256_cvtepi16_epi8(finish(scaled, parameters)), channels);
  }
}

/** One block of channels for `Pixels` windows at once. */
template <int Pixels, int Vectors>
SPIKESCOPE_AVX512 void multiply_pixels(const uint8_t* const* windows, uint8_t* const* outputs,
                                       const ChannelBlock& block, const MatrixShape& shape,
                                       const Finish& parameters) {
  __m512i sums[Pixels][Vectors];
#pragma GCC unroll 16
  for (int p = 0; p < Pixels; p++) {
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; v++) sums[p][v] = _mm512_load_si512(block.bias + v * 16);
  }
  const uint8_t* weights = block.weights;
  for (int32_t run = 0; run < shape.runs; run++) {
    const size_t start = shape.run_offsets[run];
    const size_t end = start + static_cast<size_t>(shape.steps) * 4;
    for (size_t at = start; at < end; at += 4) {
      __m512i row[Vectors];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; v++) row[v] = _mm512_load_si512(weights + v * 64);
      weights += Vectors * 64;
#pragma GCC unroll 16
      for (int p = 0; p < Pixels; p++) {
        int32_t word;
        __builtin_memcpy(&word, windows[p] + at, 4);
        const __m512i values = _mm512_set1_epi32(word);
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; v++) accumulate(sums[p][v], values, row[v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < Pixels; p++) store_pixel<Vectors>(sums[p], block, parameters, outputs[p] + block.first);
}

}  // namespace spikescope::avx512vnni

#endif
