#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../arena.h"
#include "../graph.h"

/**
 * Weights in the order in which vector kernels consume them, shared by all instruction sets. Only the lane
 * arithmetic is here; no vector instructions.
 */
namespace spikescope {

/** A convolution group or a dense layer as a matrix: rows are output channels. */
struct LayerRows {
  const int8_t* weights;
  const int32_t* bias;
  const int16_t* multiplier;
  const uint8_t* shift;
  int32_t channels;
  /** Each row is this many runs of `run_length` weights; a run meets consecutive bytes of the input. */
  int32_t runs;
  int32_t run_length;
  int32_t input_zero_point;
};

/**
 * bias − zero point × Σ weights + the rounding term of the shift: what an accumulator of plain q × w must start
 * from so that an arithmetic shift right gives the rounded result. Wraps like the accumulators do.
 */
int32_t folded_bias(const LayerRows& layer, int32_t channel);

/**
 * The output channels that one pass of a kernel computes: `vectors` registers of `lanes` 32-bit accumulators.
 * Lane l of register r holds channel (l / 4) × 4 × vectors + 4r + l % 4: the order that two rounds of in-lane
 * saturating packs turn back into the natural one.
 */
struct ChannelBlock {
  int32_t first = 0;
  int32_t channels = 0;
  int32_t vectors = 0;
  /** [vectors][lanes] */
  const int32_t* bias = nullptr;
  const int32_t* shift = nullptr;
  /** In the order of the 16-bit values after the first pack. */
  const int16_t* multiplier = nullptr;
  /** [run][step][vectors][lanes] words of 32 bits, each holding the consecutive weights of one lane. */
  const uint8_t* weights = nullptr;
};

/** How a kernel wants its weights. */
struct PackedForm {
  /** 32-bit lanes of a register. */
  int32_t lanes;
  /** Registers per block, largest first. */
  std::vector<int32_t> vectors;
  /** Bytes of one weight: 1, four to a lane, or 2, two to a lane. */
  int32_t weight_bytes;
  /** Keep 16 − shift: shifted left by it, an accumulator has its narrowed value in its upper half. */
  bool upper_half = false;
};

class PackedLayer {
 public:
  PackedLayer(const LayerRows& layer, const PackedForm& form);

  const std::vector<ChannelBlock>& blocks() const { return blocks_; }
  /** 32-bit words of weights per lane and run. */
  int32_t steps() const { return steps_; }

 private:
  void pack_block(const LayerRows& layer, const PackedForm& form, ChannelBlock& block, uint8_t* memory) const;

  int32_t steps_;
  std::vector<ChannelBlock> blocks_;
  AlignedMemory memory_;
};

/** Channel, within its block, of lane `lane` of register `vector`. */
inline int32_t channel_of(int32_t vector, int32_t lane, int32_t vectors) {
  return lane / 4 * 4 * vectors + 4 * vector + lane % 4;
}

/** Copies a tensor into a larger one with a border of given values per channel. */
class PaddedCopy {
 public:
  PaddedCopy(const Shape& input, const Padding& padding, const std::vector<uint8_t>& values);

  Shape shape() const { return shape_; }
  void run(const uint8_t* input, uint8_t* output) const;

 private:
  const Shape input_;
  const Padding padding_;
  Shape shape_;
  /** One row of border. */
  std::vector<uint8_t> border_;
};

}  // namespace spikescope
