#pragma once

#include "vectors.h"

#if SPIKESCOPE_X86

#include <utility>

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

/** Sums of 16 channels as 16-bit values. */
SPIKESCOPE_INLINE256 __m256i scale(__m256i sums0, __m256i sums1, const ChannelBlock& block) {
  const __m256i narrowed = _mm256_packs_epi32(_mm256_srav_epi32(sums0, load256(block.shift)),
                                              _mm256_srav_epi32(sums1, load256(block.shift + 8)));
  return _mm256_mulhrs_epi16(narrowed, load256(block.multiplier));
}

/** 16 channels of one pixel: its two registers of sums. */
SPIKESCOPE_INLINE256 void store_pixel(const __m256i* sums, const ChannelBlock& block, const OutputStage& parameters,
                                      uint8_t* output) {
  store_bytes(output, output_bytes(scale(sums[0], sums[1], block), parameters), static_cast<size_t>(block.channels));
}

/** 16 channels of two pixels, which share what narrows and clamps them: their four registers of sums. */
SPIKESCOPE_INLINE256 void store_two(const __m256i* sums, const ChannelBlock& block, const OutputStage& parameters,
                                    uint8_t* first, uint8_t* second) {
  const __m256i mixed = output_bytes(scale(sums[0], sums[1], block), scale(sums[2], sums[3], block), parameters);
  const __m256i bytes = _mm256_permute4x64_epi64(mixed, 0xd8);
  const auto channels = static_cast<size_t>(block.channels);
  store_bytes(first, _mm256_castsi256_si128(bytes), channels);
  store_bytes(second, _mm256_extracti128_si256(bytes, 1), channels);
}

/** 8 channels of one pixel. */
SPIKESCOPE_INLINE256 void store_narrow_pixel(__m256i sums, const ChannelBlock& block, const OutputStage& parameters,
                                             uint8_t* output) {
  const __m256i shifted = _mm256_srav_epi32(sums, load256(block.shift));
  const __m128i narrowed = _mm_packs_epi32(_mm256_castsi256_si128(shifted), _mm256_extracti128_si256(shifted, 1));
  const __m128i scaled = _mm_mulhrs_epi16(narrowed, load128(block.multiplier));
  const __m128i bytes = output_bytes(_mm256_castsi128_si256(scaled), parameters);
  if (block.channels == 8) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(output), bytes);
  } else {
    store_bytes(output, bytes, static_cast<size_t>(block.channels));
  }
}

/**
 * Accumulators of a tile, `Pixels` × `Vectors` registers. Every index is a constant of the template, not of a loop,
 * or else GCC keeps the tile in memory.
 */
template <int Pixels, int Vectors>
struct Tile {
  using PixelNumbers = std::make_integer_sequence<int, Pixels>;
  using VectorNumbers = std::make_integer_sequence<int, Vectors>;

  __m256i sums[Pixels * Vectors];

  template <int... P, int... V>
  SPIKESCOPE_INLINE256 void start(const int32_t* bias, std::integer_sequence<int, P...>,
                                  std::integer_sequence<int, V...> vectors) {
    (start_pixel<P>(bias, vectors), ...);
  }

  template <int P, int... V>
  SPIKESCOPE_INLINE256 void start_pixel(const int32_t* bias, std::integer_sequence<int, V...>) {
    ((sums[P * Vectors + V] = load256(bias + V * 8)), ...);
  }

  /** One pair of 16-bit values of every row × the weights of all lanes. */
  template <int... P, int... V>
  SPIKESCOPE_INLINE256 void add(const int16_t* rows, size_t row_stride, const uint8_t* weights,
                                std::integer_sequence<int, P...>, std::integer_sequence<int, V...> vectors) {
    const __m256i packed[Vectors] = {load256(weights + V * 32)...};
    (add_pixel<P>(rows + P * row_stride, packed, vectors), ...);
  }

  template <int P, int... V>
  SPIKESCOPE_INLINE256 void add_pixel(const int16_t* row, const __m256i* packed, std::integer_sequence<int, V...>) {
    int32_t pair;
    std::memcpy(&pair, row, 4);
    const __m256i values = _mm256_set1_epi32(pair);
    ((sums[P * Vectors + V] =
          _mm256_add_epi32(sums[P * Vectors + V], _mm256_madd_epi16(values, packed[V]))),
     ...);
  }

  template <int... P>
  SPIKESCOPE_INLINE256 void store(uint8_t* const* outputs, const ChannelBlock& block, const OutputStage& parameters,
                                  std::integer_sequence<int, P...>) const {
    (store_from<P>(outputs, block, parameters), ...);
  }

  /** Pixel P, of two vectors together with the next one. */
  template <int P>
  SPIKESCOPE_INLINE256 void store_from(uint8_t* const* outputs, const ChannelBlock& block,
                                       const OutputStage& parameters) const {
    if constexpr (Vectors == 1) {
      store_narrow_pixel(sums[P], block, parameters, outputs[P] + block.first);
    } else if constexpr (P % 2 == 0 && P + 1 < Pixels) {
      store_two(sums + P * 2, block, parameters, outputs[P] + block.first, outputs[P + 1] + block.first);
    } else if constexpr (P % 2 == 0) {
      store_pixel(sums + P * 2, block, parameters, outputs[P] + block.first);
    }
  }
};

/** One block of channels for `Pixels` rows of `words` 32-bit words each, `row_stride` 16-bit values apart. */
template <int Pixels, int Vectors>
SPIKESCOPE_INLINE256 void multiply_pixels(const int16_t* rows, size_t row_stride, size_t words,
                                          uint8_t* const* outputs, const ChannelBlock& block,
                                          const OutputStage& parameters) {
  constexpr typename Tile<Pixels, Vectors>::PixelNumbers pixels;
  constexpr typename Tile<Pixels, Vectors>::VectorNumbers vectors;
  Tile<Pixels, Vectors> tile;
  tile.start(block.bias, pixels, vectors);
  const uint8_t* weights = block.weights;
  for (size_t word = 0; word < words; word++) {
    tile.add(rows, row_stride, weights, pixels, vectors);
    rows += 2;
    weights += Vectors * 32;
  }
  tile.store(outputs, block, parameters, pixels);
}

}  // namespace spikescope::avx2

#endif
