#pragma once

#include "vectors.h"

#if SPIKESCOPE_X86

#include <utility>

namespace spikescope::avx512vnni {

/** Windows at equal distances. */
struct StridedWindows {
  const uint8_t* first;
  size_t step;

  template <int Pixel>
  SPIKESCOPE_INLINE512 const uint8_t* of() const {
    return first + Pixel * step;
  }
};

/** Windows anywhere. */
template <int Pixels>
struct GatheredWindows {
  const uint8_t* windows[Pixels];

  template <int Pixel>
  SPIKESCOPE_INLINE512 const uint8_t* of() const {
    return windows[Pixel];
  }
};

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

  /** The 32-bit word at `offset` of every window × the weights of all lanes. */
  template <typename Windows, int... P, int... V>
  SPIKESCOPE_INLINE512 void add(const Windows& windows, size_t offset, const uint8_t* weights,
                                std::integer_sequence<int, P...>, std::integer_sequence<int, V...> vectors) {
    const __m512i row[Vectors] = {_mm512_load_si512(weights + V * 64)...};
    (add_pixel<P>(windows.template of<P>() + offset, row, vectors), ...);
  }

  template <int P, int... V>
  SPIKESCOPE_INLINE512 void add_pixel(const uint8_t* window, const __m512i* row, std::integer_sequence<int, V...>) {
    int32_t word;
    __builtin_memcpy(&word, window, 4);
    const __m512i values = _mm512_set1_epi32(word);
    (accumulate(sums[P * Vectors + V], values, row[V]), ...);
  }
};

}  // namespace spikescope::avx512vnni

#endif
