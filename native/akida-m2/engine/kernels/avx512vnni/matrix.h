#pragma once

#include "vectors.h"

#if SPIKESCOPE_X86

#include <utility>

#include "../packed_layer.h"
#include "../strided_pixels.h"

/** uint8 windows × packed int8 weights → uint8, the heart of convolution and dense layers. */
namespace spikescope::avx512vnni {

/** Registers per block of output channels. */
inline PackedForm packed_form() { return {16, {4, 2, 1}, 1}; }

/**
 * Accumulators of a tile, `Pixels` × `Vectors` registers. Every index is a constant of the template, not of a loop,
 * or else GCC keeps the tile in memory.
 */
template <int Pixels, int Vectors>
struct Tile {
  using PixelNumbers = std::make_integer_sequence<int, Pixels>;
  using VectorNumbers = std::make_integer_sequence<int, Vectors>;

  __m512i sums[Pixels * Vectors];

  template <int... P, int... V>
  SPIKESCOPE_INLINE512 void start(const int32_t* bias, std::integer_sequence<int, P...>,
                                  std::integer_sequence<int, V...> vectors) {
    (start_pixel<P>(bias, vectors), ...);
  }

  template <int P, int... V>
  SPIKESCOPE_INLINE512 void start_pixel(const int32_t* bias, std::integer_sequence<int, V...>) {
    ((sums[P * Vectors + V] = _mm512_load_si512(bias + V * 16)), ...);
  }

  /** One 32-bit word of every window × the weights of all lanes. */
  template <int... P, int... V>
  SPIKESCOPE_INLINE512 void add(const uint8_t* window, size_t step, const uint8_t* weights,
                                std::integer_sequence<int, P...>, std::integer_sequence<int, V...> vectors) {
    const __m512i row[Vectors] = {_mm512_load_si512(weights + V * 64)...};
    (add_pixel<P>(window + P * step, row, vectors), ...);
  }

  template <int P, int... V>
  SPIKESCOPE_INLINE512 void add_pixel(const uint8_t* window, const __m512i* row, std::integer_sequence<int, V...>) {
    int32_t word;
    __builtin_memcpy(&word, window, 4);
    const __m512i values = _mm512_set1_epi32(word);
    (accumulate(sums[P * Vectors + V], values, row[V]), ...);
  }
};

/** Accumulators of the block's register `vector`, shifted. */
SPIKESCOPE_INLINE512 __m512i shifted(__m512i sums, const ChannelBlock& block, int vector) {
  return _mm512_srav_epi32(sums, _mm512_load_si512(block.shift + vector * 16));
}

/** 64 channels of one pixel. */
SPIKESCOPE_INLINE512 void store_pixel(__m512i sums0, __m512i sums1, __m512i sums2, __m512i sums3,
                                      const ChannelBlock& block, const Finish& parameters, uint8_t* output) {
  const __m512i low = _mm512_packs_epi32(shifted(sums0, block, 0), shifted(sums1, block, 1));
  const __m512i high = _mm512_packs_epi32(shifted(sums2, block, 2), shifted(sums3, block, 3));
  store_bytes(output,
              finish(_mm512_mulhrs_epi16(low, _mm512_load_si512(block.multiplier)),
                     _mm512_mulhrs_epi16(high, _mm512_load_si512(block.multiplier + 32)), parameters),
              static_cast<size_t>(block.channels));
}

/** 32 channels of two pixels a and b, which share the registers of the second half. */
SPIKESCOPE_INLINE512 void store_two_pixels(__m512i a0, __m512i a1, __m512i b0, __m512i b1, const ChannelBlock& block,
                                           const Finish& parameters, uint8_t* first_output, uint8_t* second_output) {
  const __m512i multiplier = _mm512_load_si512(block.multiplier);
  const __m512i low = _mm512_packs_epi32(shifted(a0, block, 0), shifted(a1, block, 1));
  const __m512i high = _mm512_packs_epi32(shifted(b0, block, 0), shifted(b1, block, 1));
  const __m512i mixed =
      finish(_mm512_mulhrs_epi16(low, multiplier), _mm512_mulhrs_epi16(high, multiplier), parameters);
  const __m512i bytes = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), mixed);
  const auto channels = static_cast<size_t>(block.channels);
  store_bytes(first_output, _mm512_castsi512_si256(bytes), channels);
  store_bytes(second_output, _mm512_extracti64x4_epi64(bytes, 1), channels);
}

/** 16 channels of four pixels a, b, c and d. */
SPIKESCOPE_INLINE512 void store_four_pixels(__m512i a, __m512i b, __m512i c, __m512i d, const ChannelBlock& block,
                                            const Finish& parameters, uint8_t* output, size_t output_step) {
  const __m256i natural = _mm256_load_si256(reinterpret_cast<const __m256i*>(block.multiplier));
  const __m512i multiplier =
      _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3), _mm512_castsi256_si512(natural));
  const __m512i low = _mm512_packs_epi32(shifted(a, block, 0), shifted(b, block, 0));
  const __m512i high = _mm512_packs_epi32(shifted(c, block, 0), shifted(d, block, 0));
  const __m512i mixed =
      finish(_mm512_mulhrs_epi16(low, multiplier), _mm512_mulhrs_epi16(high, multiplier), parameters);
  const __m512i apart = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i bytes = _mm512_permutexvar_epi32(apart, mixed);
  const auto channels = static_cast<size_t>(block.channels);
  store_bytes(output, _mm512_castsi512_si128(bytes), channels);
  store_bytes(output + output_step, _mm512_extracti32x4_epi32(bytes, 1), channels);
  store_bytes(output + 2 * output_step, _mm512_extracti32x4_epi32(bytes, 2), channels);
  store_bytes(output + 3 * output_step, _mm512_extracti32x4_epi32(bytes, 3), channels);
}

template <int Pixels, int... P>
SPIKESCOPE_INLINE512 void store_tile(const Tile<Pixels, 4>& tile, const StridedPixels& places,
                                     const ChannelBlock& block, const Finish& parameters,
                                     std::integer_sequence<int, P...>) {
  (store_pixel(tile.sums[P * 4], tile.sums[P * 4 + 1], tile.sums[P * 4 + 2], tile.sums[P * 4 + 3], block, parameters,
               places.output(P) + block.first),
   ...);
}

template <int Pixels, int... P>
SPIKESCOPE_INLINE512 void store_tile(const Tile<Pixels, 2>& tile, const StridedPixels& places,
                                     const ChannelBlock& block, const Finish& parameters,
                                     std::integer_sequence<int, P...>) {
  static_assert(Pixels % 2 == 0);
  ((P % 2 == 0 ? store_two_pixels(tile.sums[P * 2], tile.sums[P * 2 + 1], tile.sums[(P + 1) * 2 % (Pixels * 2)],
                                  tile.sums[((P + 1) * 2 + 1) % (Pixels * 2)], block, parameters,
                                  places.output(P) + block.first, places.output(P + 1) + block.first)
               : void()),
   ...);
}

template <int Pixels, int... P>
SPIKESCOPE_INLINE512 void store_tile(const Tile<Pixels, 1>& tile, const StridedPixels& places,
                                     const ChannelBlock& block, const Finish& parameters,
                                     std::integer_sequence<int, P...>) {
  static_assert(Pixels % 4 == 0);
  ((P % 4 == 0 ? store_four_pixels(tile.sums[P], tile.sums[(P + 1) % Pixels], tile.sums[(P + 2) % Pixels],
                                   tile.sums[(P + 3) % Pixels], block, parameters, places.output(P) + block.first,
                                   places.output_step)
               : void()),
   ...);
}

/** One block of channels for `Pixels` windows at once. */
template <int Pixels, int Vectors>
SPIKESCOPE_INLINE512 void multiply_pixels(const StridedPixels& places, const ChannelBlock& block,
                                          const MatrixShape& shape, const Finish& parameters) {
  constexpr typename Tile<Pixels, Vectors>::PixelNumbers pixels;
  constexpr typename Tile<Pixels, Vectors>::VectorNumbers vectors;
  Tile<Pixels, Vectors> tile;
  tile.start(block.bias, pixels, vectors);
  const uint8_t* weights = block.weights;
  for (int32_t run = 0; run < shape.runs; run++) {
    const uint8_t* window = places.first_window + shape.run_offsets[run];
    for (int32_t step = 0; step < shape.steps; step++) {
      tile.add(window, places.window_step, weights, pixels, vectors);
      weights += Vectors * 64;
      window += 4;
    }
  }
  store_tile(tile, places, block, parameters, pixels);
}

}  // namespace spikescope::avx512vnni

#endif
