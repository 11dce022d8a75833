#pragma once

#include "epilogue.h"

#if SPIKESCOPE_X86

#include "../matrix_shape.h"

/** uint8 windows × packed int8 weights → uint8, the heart of convolution and dense layers. */
namespace spikescope::avx512vnni {

/** Registers per block of output channels. */
inline PackedForm packed_form() { return {16, {4, 2, 1}, 1}; }

/**
 * One block of channels for `Pixels` windows at once.
 * @param ahead what is wanted later: a line of it is asked for with each word of a wide tile, which leaves time for it
 */
template <int Pixels, int Vectors, typename Windows, typename After = NothingAfter>
SPIKESCOPE_INLINE512 void multiply_pixels(const Windows& windows, const OutputPixels& places,
                                          const ChannelBlock& block, const MatrixShape& shape,
                                          const OutputStage& parameters, const After& after = {},
                                          const uint8_t* ahead = nullptr) {
  constexpr typename Tile<Pixels, Vectors>::PixelNumbers pixels;
  constexpr typename Tile<Pixels, Vectors>::VectorNumbers vectors;
  Tile<Pixels, Vectors> tile;
  tile.start(block.bias, pixels, vectors);
  const uint8_t* weights = block.weights;
  for (int32_t run = 0; run < shape.runs; run++) {
    size_t offset = shape.run_offsets[run];
    const size_t end = offset + 4 * static_cast<size_t>(shape.steps);
    for (; offset < end; offset += 4) {
      if constexpr (Pixels * Vectors > 8) {
        _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
        ahead += 64;
      }
      tile.add(windows, offset, weights, pixels, vectors);
      weights += Vectors * 64;
    }
  }
  store_tile(tile, places, block, parameters, after);
}

}  // namespace spikescope::avx512vnni

#endif
