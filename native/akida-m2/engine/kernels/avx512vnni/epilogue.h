#pragma once

#include "tile.h"

#if SPIKESCOPE_X86

#include "../packed_layer.h"

/** The epilogue of a matrix product: from the accumulators of a tile to bytes in their places. */
namespace spikescope::avx512vnni {

/** Where the pixels of a tile go: to places at equal distances. */
struct OutputPixels {
  uint8_t* first;
  size_t step;
  /** What a following operator reads beside each output, laid out like it; null without one. */
  const uint8_t* first_operand = nullptr;

  uint8_t* output(int pixel) const { return first + static_cast<size_t>(pixel) * step; }
  const uint8_t* operand(int pixel) const { return first_operand + static_cast<size_t>(pixel) * step; }
};

SPIKESCOPE_INLINE512 __m512i load_halves(const uint8_t* first, const uint8_t* second) {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(first));
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(second)),
                            1);
}

SPIKESCOPE_INLINE512 __m512i load_quarters(const uint8_t* first, size_t step) {
  __m512i values = _mm512_castsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(first)));
  values = _mm512_inserti32x4(values, _mm_loadu_si128(reinterpret_cast<const __m128i*>(first + step)), 1);
  values = _mm512_inserti32x4(values, _mm_loadu_si128(reinterpret_cast<const __m128i*>(first + 2 * step)), 2);
  return _mm512_inserti32x4(values, _mm_loadu_si128(reinterpret_cast<const __m128i*>(first + 3 * step)), 3);
}

/**
 * The epilogue of one tile, from its accumulators to its bytes: four accumulators make a group of 64, which is one
 * pixel, two or four. All groups take each step together, because one group's steps wait for each other.
 */
template <int Vectors, int Groups>
struct TileEpilogue {
  using Numbers = std::make_integer_sequence<int, Groups>;
  static constexpr int kPixels = 4 / Vectors;

  __m512i low[Groups];
  __m512i high[Groups];
  __m512i bytes[Groups];
  __m512i operands[Groups];

  template <int... G>
  SPIKESCOPE_INLINE512 void requantise(const __m512i* sums, const ChannelBlock& block, const OutputStage& parameters,
                                       std::integer_sequence<int, G...>) {
    const __m512i shift0 = _mm512_load_si512(block.shift);
    const __m512i shift1 = _mm512_load_si512(block.shift + 1 % Vectors * 16);
    const __m512i shift2 = _mm512_load_si512(block.shift + 2 % Vectors * 16);
    const __m512i shift3 = _mm512_load_si512(block.shift + 3 % Vectors * 16);
    ((low[G] = _mm512_packs_epi32(_mm512_srav_epi32(sums[4 * G], shift0), _mm512_srav_epi32(sums[4 * G + 1], shift1))),
     ...);
    ((high[G] =
          _mm512_packs_epi32(_mm512_srav_epi32(sums[4 * G + 2], shift2), _mm512_srav_epi32(sums[4 * G + 3], shift3))),
     ...);
    const __m512i first = first_multiplier(block);
    const __m512i second = Vectors == 4 ? _mm512_load_si512(block.multiplier + 32) : first;
    ((low[G] = _mm512_mulhrs_epi16(low[G], first)), ...);
    ((high[G] = _mm512_mulhrs_epi16(high[G], second)), ...);
    ((bytes[G] = in_order(output_bytes(low[G], high[G], parameters))), ...);
  }

  /** That of the first half of a group. */
  static SPIKESCOPE_INLINE512 __m512i first_multiplier(const ChannelBlock& block) {
    if constexpr (Vectors > 1) return _mm512_load_si512(block.multiplier);
    const __m256i natural = _mm256_load_si256(reinterpret_cast<const __m256i*>(block.multiplier));
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3), _mm512_castsi256_si512(natural));
  }

  /** Pixel after pixel. */
  static SPIKESCOPE_INLINE512 __m512i in_order(__m512i mixed) {
    if constexpr (Vectors == 2) return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), mixed);
    if constexpr (Vectors == 1) {
      const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
      return _mm512_permutexvar_epi32(order, mixed);
    }
    return mixed;
  }

  template <int... G>
  SPIKESCOPE_INLINE512 void load_operands(const OutputPixels& places, size_t first,
                                          std::integer_sequence<int, G...>) {
    ((operands[G] = load_operand(places.operand(G * kPixels) + first, places.step)), ...);
  }

  static SPIKESCOPE_INLINE512 __m512i load_operand(const uint8_t* operand, size_t step) {
    if constexpr (Vectors == 4) return _mm512_loadu_si512(operand);
    if constexpr (Vectors == 2) return load_halves(operand, operand + step);
    return load_quarters(operand, step);
  }

  template <int... G>
  SPIKESCOPE_INLINE512 void store(const OutputPixels& places, size_t first, size_t channels,
                                  std::integer_sequence<int, G...>) const {
    (store_group(bytes[G], places.output(G * kPixels) + first, places.step, channels), ...);
  }

  static SPIKESCOPE_INLINE512 void store_group(__m512i values, uint8_t* output, size_t step, size_t channels) {
    if constexpr (Vectors == 4) {
      store_bytes(output, values, channels);
    } else if constexpr (Vectors == 2) {
      store_bytes(output, _mm512_castsi512_si256(values), channels);
      store_bytes(output + step, _mm512_extracti64x4_epi64(values, 1), channels);
    } else {
      store_bytes(output, _mm512_castsi512_si128(values), channels);
      store_bytes(output + step, _mm512_extracti32x4_epi32(values, 1), channels);
      store_bytes(output + 2 * step, _mm512_extracti32x4_epi32(values, 2), channels);
      store_bytes(output + 3 * step, _mm512_extracti32x4_epi32(values, 3), channels);
    }
  }
};

/** A tile's bytes are its result. */
struct NothingAfter {
  static constexpr bool kReadsOperand = false;
  using Ready = NothingAfter;
  NothingAfter ready() const { return {}; }

  template <int... G>
  SPIKESCOPE_INLINE512 void apply(__m512i*, const __m512i*, std::integer_sequence<int, G...>) const {}
};

template <int Pixels, int Vectors, typename After>
SPIKESCOPE_INLINE512 void store_tile(const Tile<Pixels, Vectors>& tile, const OutputPixels& places,
                                     const ChannelBlock& block, const OutputStage& parameters, const After& after) {
  static_assert(Pixels * Vectors % 4 == 0);
  using Epilogue = TileEpilogue<Vectors, Pixels * Vectors / 4>;
  constexpr typename Epilogue::Numbers groups;
  const auto first = static_cast<size_t>(block.first);
  Epilogue epilogue;
  epilogue.requantise(tile.sums, block, parameters, groups);
  if constexpr (After::kReadsOperand) epilogue.load_operands(places, first, groups);
  after.apply(epilogue.bytes, epilogue.operands, groups);
  epilogue.store(places, first, static_cast<size_t>(block.channels), groups);
}

}  // namespace spikescope::avx512vnni

#endif
