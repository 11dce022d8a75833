#pragma once

#include "vectors.h"

#if SPIKESCOPE_X86

#include "../packed_layer.h"

/**
 * Rows of 16-bit values × packed 16-bit weights → uint8. The products of bytes are summed in pairs by vpmaddwd:
 * vpmaddubsw would take bytes, but saturates.
 */
namespace spikescope::avx2 {

/** Registers per block of output channels. */
inline PackedForm packed_form() { return {8, {2, 1}, 2}; }

/** Bytes that `widen` may write past the end of what it was asked for. */
constexpr size_t kWidenSlack = 64;

/** `count` bytes as 16-bit values; whole registers at a time, so a few more are read and written. */
SPIKESCOPE_INLINE256 void widen(const uint8_t* input, size_t count, int16_t* output) {
  for (size_t i = 0; i < count; i += 16) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(output + i), load_wide(input + i));
  }
}

template <int Vectors>
SPIKESCOPE_INLINE256 void store_pixel(const __m256i* sums, const ChannelBlock& block, const Finish& parameters,
                                      uint8_t* output) {
  const auto channels = static_cast<size_t>(block.channels);
  const __m256i first = _mm256_srav_epi32(sums[0], load256(block.shift));
  if constexpr (Vectors == 2) {
    const __m256i second = _mm256_srav_epi32(sums[1], load256(block.shift + 8));
    const __m256i scaled = _mm256_mulhrs_epi16(_mm256_packs_epi32(first, second), load256(block.multiplier));
    store_bytes(output, narrow(finish(scaled, parameters)), channels);
  } else {
    const __m128i narrowed = _mm_packs_epi32(_mm256_castsi256_si128(first), _mm256_extracti128_si256(first, 1));
    const __m256i scaled = _mm256_castsi128_si256(_mm_mulhrs_epi16(narrowed, load128(block.multiplier)));
    const __m128i bytes = narrow(finish(scaled, parameters));
    if (channels == 8) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(output), bytes);
    } else {
      store_bytes(output, bytes, channels);
    }
  }
}

/** One block of channels for `Pixels` rows of `words` 32-bit words each, `row_stride` 16-bit values apart. */
template <int Pixels, int Vectors>
SPIKESCOPE_AVX2 void multiply_pixels(const int16_t* rows, size_t row_stride, size_t words, uint8_t* const* outputs,
                                     const ChannelBlock& block, const Finish& parameters) {
  __m256i sums[Pixels][Vectors];
#pragma GCC unroll 8
  for (int p = 0; p < Pixels; p++) {
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; v++) sums[p][v] = load256(block.bias + v * 8);
  }
  const uint8_t* weights = block.weights;
  for (size_t word = 0; word < words; word++) {
    __m256i row[Vectors];
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; v++) row[v] = load256(weights + v * 32);
    weights += Vectors * 32;
#pragma GCC unroll 8
    for (int p = 0; p < Pixels; p++) {
      int32_t pair;
      std::memcpy(&pair, rows + static_cast<size_t>(p) * row_stride + word * 2, 4);
      const __m256i values = _mm256_set1_epi32(pair);
#pragma GCC unroll 2
      for (int v = 0; v < Vectors; v++) {
        sums[p][v] = _mm256_add_epi32(sums[p][v], _mm256_madd_epi16(values, row[v]));
      }
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < Pixels; p++) store_pixel<Vectors>(sums[p], block, parameters, outputs[p] + block.first);
}

}  // namespace spikescope::avx2

#endif
