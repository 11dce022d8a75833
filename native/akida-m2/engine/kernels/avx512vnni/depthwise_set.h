#pragma once

#include "vectors.h"

#if SPIKESCOPE_X86

#include <array>

#include "../packed_layer.h"

/** What depthwise kernels multiply 64 channels with. */
namespace spikescope::avx512vnni {

/**
 * Sixteen channels lie in one 128-bit lane of a register of bytes. With four taps interleaved they lie in four planes: plane
 * q holds channels 4q…4q + 3 of every sixteen, one to each 32-bit word, and two rounds of packs restore their order.
 */
constexpr size_t kPlanes = 4;

/** First channel of each 128-bit lane. */
using Sixteens = std::array<size_t, 4>;

/** @param lane of the sixteen words of plane `q` */
inline size_t channel_of(const Sixteens& sixteens, size_t q, size_t lane) {
  return sixteens[lane / 4] + q * 4 + lane % 4;
}

/** Bias, shift and multipliers, from a sum to bytes. */
struct DepthwiseStage {
  static constexpr size_t kBytes = (2 * kPlanes + 2) * 64;

  __m512i bias[kPlanes];
  __m512i shift[kPlanes];
  __m512i low_multiplier;
  __m512i high_multiplier;

  /** Words of channels that the layer has not stay as they are. */
  static void pack(const LayerRows& layer, const Sixteens& sixteens, uint8_t* memory) {
    auto* const bias = reinterpret_cast<int32_t*>(memory);
    auto* const shift = bias + kPlanes * 16;
    auto* const multiplier = reinterpret_cast<int16_t*>(shift + kPlanes * 16);
    for (size_t q = 0; q < kPlanes; q++) {
      for (size_t lane = 0; lane < 16; lane++) {
        const size_t channel = channel_of(sixteens, q, lane);
        if (channel >= static_cast<size_t>(layer.channels)) continue;
        bias[q * 16 + lane] = folded_bias(layer, static_cast<int32_t>(channel));
        shift[q * 16 + lane] = layer.shift[channel];
        multiplier[q / 2 * 32 + lane / 4 * 8 + q % 2 * 4 + lane % 4] = layer.multiplier[channel];
      }
    }
  }

  SPIKESCOPE_INLINE512 void load(const uint8_t* memory) {
#pragma GCC unroll 4
    for (size_t q = 0; q < kPlanes; q++) {
      bias[q] = _mm512_load_si512(memory + q * 64);
      shift[q] = _mm512_load_si512(memory + (kPlanes + q) * 64);
    }
    low_multiplier = _mm512_load_si512(memory + 2 * kPlanes * 64);
    high_multiplier = _mm512_load_si512(memory + 2 * kPlanes * 64 + 64);
  }

  /** 64 bytes in their order. */
  SPIKESCOPE_INLINE512 __m512i requantise(__m512i (&sums)[kPlanes], const OutputStage& parameters) const {
#pragma GCC unroll 4
    for (size_t q = 0; q < kPlanes; q++) sums[q] = _mm512_srav_epi32(sums[q], shift[q]);
    const __m512i low = _mm512_mulhrs_epi16(_mm512_packs_epi32(sums[0], sums[1]), low_multiplier);
    const __m512i high = _mm512_mulhrs_epi16(_mm512_packs_epi32(sums[2], sums[3]), high_multiplier);
    return output_bytes(low, high, parameters);
  }
};

/** Words of three rows of the kernel, one column and plane after the other; then the stage. */
constexpr size_t kSetBytes = 3 * kPlanes * 64 + DepthwiseStage::kBytes;

/** @param row byte of a word that holds the kernel's first row */
inline void pack_set(const LayerRows& layer, const Sixteens& sixteens, size_t row, uint8_t* set) {
  DepthwiseStage::pack(layer, sixteens, set + 3 * kPlanes * 64);
  for (size_t q = 0; q < kPlanes; q++) {
    for (size_t lane = 0; lane < 16; lane++) {
      const size_t channel = channel_of(sixteens, q, lane);
      for (size_t kx = 0; kx < 3; kx++) {
        uint8_t* const word = set + ((kx * kPlanes + q) * 16 + lane) * 4;
        for (size_t ky = 0; ky < 3; ky++) {
          word[ky + row] = static_cast<uint8_t>(layer.weights[channel * 9 + ky * 3 + kx]);
        }
      }
    }
  }
}

/** A set of a 3×3 kernel in registers. */
struct DepthwiseSet : DepthwiseStage {
  __m512i weights[3][kPlanes];

  SPIKESCOPE_INLINE512 void load(const uint8_t* set) {
    DepthwiseStage::load(set + 3 * kPlanes * 64);
#pragma GCC unroll 4
    for (size_t q = 0; q < kPlanes; q++) {
#pragma GCC unroll 3
      for (size_t kx = 0; kx < 3; kx++) weights[kx][q] = _mm512_load_si512(set + (kx * kPlanes + q) * 64);
    }
  }
};

/** The values of four taps, such as rows above each other, in every word. */
SPIKESCOPE_INLINE512 void interleave(__m512i row0, __m512i row1, __m512i row2, __m512i row3,
                                     __m512i (&planes)[kPlanes]) {
  const __m512i upper_low = _mm512_unpacklo_epi8(row0, row1);
  const __m512i upper_high = _mm512_unpackhi_epi8(row0, row1);
  const __m512i lower_low = _mm512_unpacklo_epi8(row2, row3);
  const __m512i lower_high = _mm512_unpackhi_epi8(row2, row3);
  planes[0] = _mm512_unpacklo_epi16(upper_low, lower_low);
  planes[1] = _mm512_unpackhi_epi16(upper_low, lower_low);
  planes[2] = _mm512_unpacklo_epi16(upper_high, lower_high);
  planes[3] = _mm512_unpackhi_epi16(upper_high, lower_high);
}

}  // namespace spikescope::avx512vnni

#endif
