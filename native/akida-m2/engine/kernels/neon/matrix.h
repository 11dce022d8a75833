#pragma once

#include "vectors.h"

#if SPIKESCOPE_ARM64

#include <utility>

#include "../packed_layer.h"
#include "../strided_pixels.h"

/**
 * uint8 windows × packed int8 weights → uint8, the heart of convolution and dense layers. Activations enter the
 * products less 128, as signed bytes. How products are summed is the template parameter `Arithmetic`: see Widening.
 */
namespace spikescope::neon {

/** Registers per block of output channels. */
inline PackedForm packed_form() { return {4, {4, 2, 1}, 1, true}; }

/** Without the dot product: 16-bit products, added in pairs. A product of signed bytes is at most 2^14. */
struct Widening {
  /** Two partial sums of each of four channels. */
  struct Sum {
    int32x4_t low;
    int32x4_t high;
  };

  /** Pixels of a tile, such that its sums stay in registers. */
  static constexpr int pixels(int vectors) { return vectors == 4 ? 2 : 4; }

  static SPIKESCOPE_INLINE Sum start(const int32_t* bias) {
    const int32x4_t values = vld1q_s32(bias);
    return {vzip1q_s32(values, vdupq_n_s32(0)), vzip2q_s32(values, vdupq_n_s32(0))};
  }

  /** Lane c: sum += Σ of four weights of channel c × the four values of word `Step`. */
  template <int Step>
  static SPIKESCOPE_INLINE void add_word(Sum& sum, int8x16_t weights, int8x16_t values) {
    add(sum, weights, vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(values), Step)));
  }

  /** Lane c: sum += Σ of four weights × the four values of the same lane. */
  static SPIKESCOPE_INLINE void add(Sum& sum, int8x16_t weights, int8x16_t values) {
    sum.low = vpadalq_s16(sum.low, vmull_s8(vget_low_s8(weights), vget_low_s8(values)));
    sum.high = vpadalq_s16(sum.high, vmull_high_s8(weights, values));
  }

  static SPIKESCOPE_INLINE int32x4_t total(const Sum& sum) { return vpaddq_s32(sum.low, sum.high); }
};

/**
 * Sums of a tile, `Pixels` × `Vectors` registers. Every index is a constant of the template, not of a loop, or else
 * GCC keeps the tile in memory.
 */
template <class Arithmetic, int Pixels, int Vectors>
struct Tile {
  using PixelNumbers = std::make_integer_sequence<int, Pixels>;
  using VectorNumbers = std::make_integer_sequence<int, Vectors>;

  typename Arithmetic::Sum sums[Pixels * Vectors];

  template <int... P>
  SPIKESCOPE_INLINE void start(const int32_t* bias, std::integer_sequence<int, P...>) {
    (start_pixel<P>(bias, VectorNumbers()), ...);
  }

  template <int P, int... V>
  SPIKESCOPE_INLINE void start_pixel(const int32_t* bias, std::integer_sequence<int, V...>) {
    ((sums[P * Vectors + V] = Arithmetic::start(bias + V * 4)), ...);
  }

  /** The words `Step`… of every window × the weights of all lanes. */
  template <int... P, int... Step>
  SPIKESCOPE_INLINE void add(const uint8_t* window, size_t window_step, const uint8_t* weights,
                             std::integer_sequence<int, P...> pixels, std::integer_sequence<int, Step...>) {
    const int8x16_t values[Pixels] = {load_signed(window + P * window_step)...};
    (add_step<Step>(values, weights + Step * Vectors * 16, pixels, VectorNumbers()), ...);
  }

  template <int Step, int... P, int... V>
  SPIKESCOPE_INLINE void add_step(const int8x16_t* values, const uint8_t* weights, std::integer_sequence<int, P...>,
                                  std::integer_sequence<int, V...> vectors) {
    const int8x16_t row[Vectors] = {vreinterpretq_s8_u8(vld1q_u8(weights + V * 16))...};
    (add_pixel<Step, P>(values[P], row, vectors), ...);
  }

  template <int Step, int P, int... V>
  SPIKESCOPE_INLINE void add_pixel(int8x16_t values, const int8x16_t* row, std::integer_sequence<int, V...>) {
    (Arithmetic::template add_word<Step>(sums[P * Vectors + V], row[V], values), ...);
  }

  /** The 16-bit values of eight channels of pixel P. */
  template <int P, int Pair>
  SPIKESCOPE_INLINE int16x8_t scaled(const ChannelBlock& block) const {
    constexpr int kFirst = P * Vectors + 2 * Pair;
    const int32_t* const left = block.shift + 8 * Pair;
    return vqrdmulhq_s16(narrow(Arithmetic::total(sums[kFirst]), Arithmetic::total(sums[kFirst + 1]), vld1q_s32(left),
                                vld1q_s32(left + 4)),
                         vld1q_s16(block.multiplier + 8 * Pair));
  }

  template <int P>
  SPIKESCOPE_INLINE void store_pixel(const ChannelBlock& block, const OutputStage& parameters, uint8_t* output) const {
    const auto channels = static_cast<size_t>(block.channels);
    if constexpr (Vectors == 4) {
      store_bytes(output, output_bytes(scaled<P, 0>(block), scaled<P, 1>(block), parameters), channels);
    } else if constexpr (Vectors == 2) {
      store_bytes(output, output_bytes(scaled<P, 0>(block), parameters), channels);
    } else {
      const int32x4_t sum = Arithmetic::total(sums[P]);
      const int32x4_t left = vld1q_s32(block.shift);
      const int16x4_t multiplier = vld1_s16(block.multiplier);
      const int16x8_t values = vqrdmulhq_s16(narrow(sum, sum, left, left), vcombine_s16(multiplier, multiplier));
      store_bytes(output, output_bytes(values, parameters), channels);
    }
  }

  template <int... P>
  SPIKESCOPE_INLINE void store(const StridedPixels& places, const ChannelBlock& block, const OutputStage& parameters,
                               std::integer_sequence<int, P...>) const {
    (store_pixel<P>(block, parameters, places.output(P) + block.first), ...);
  }
};

/** One block of channels for tiles of `Pixels` windows, one after the other. */
template <class Arithmetic, int Pixels, int Vectors>
struct Tiles {
  static SPIKESCOPE_INLINE void run(StridedPixels places, size_t tiles, const ChannelBlock& block,
                                    const MatrixShape& shape, const OutputStage& parameters) {
    for (; tiles > 0; tiles--) {
      run_one(places, block, shape, parameters);
      places.first_window += Pixels * places.window_step;
      places.first_output += Pixels * places.output_step;
    }
  }

 private:
  static SPIKESCOPE_INLINE void run_one(const StridedPixels& places, const ChannelBlock& block,
                                        const MatrixShape& shape, const OutputStage& parameters) {
    constexpr typename Tile<Arithmetic, Pixels, Vectors>::PixelNumbers pixels;
    constexpr size_t kStepBytes = Vectors * 16;
    Tile<Arithmetic, Pixels, Vectors> tile;
    tile.start(block.bias, pixels);
    const uint8_t* weights = block.weights;
    for (int32_t run = 0; run < shape.runs; run++) {
      const uint8_t* window = places.first_window + shape.run_offsets[run];
      int32_t steps = shape.steps;
      for (; steps >= 4; steps -= 4) {
        tile.add(window, places.window_step, weights, pixels, std::make_integer_sequence<int, 4>());
        window += 16;
        weights += 4 * kStepBytes;
      }
      if (steps == 3) {
        tile.add(window, places.window_step, weights, pixels, std::make_integer_sequence<int, 3>());
      } else if (steps == 2) {
        tile.add(window, places.window_step, weights, pixels, std::make_integer_sequence<int, 2>());
      } else if (steps == 1) {
        tile.add(window, places.window_step, weights, pixels, std::make_integer_sequence<int, 1>());
      }
      weights += static_cast<size_t>(steps) * kStepBytes;
    }
    tile.store(places, block, parameters, pixels);
  }
};

}  // namespace spikescope::neon

#endif
