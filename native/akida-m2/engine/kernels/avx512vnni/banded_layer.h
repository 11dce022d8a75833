#pragma once

#include "matrix.h"

#if SPIKESCOPE_X86

#include "../row_bands.h"

namespace spikescope::avx512vnni {

/** The weights of one group of a convolution, and for every band of its output what its sums start from. */
class BandedLayer {
 public:
  struct Band {
    int32_t first_row;
    int32_t rows;
    /** Words of weights per lane before those of the band's first run. */
    size_t skipped;
    MatrixShape shape;
    /** Where the band's sums start from, block after block as in the layer; null where they start from the bias. */
    AlignedMemory starts;
  };

  BandedLayer(const Tensor& input, const Convolution& operation, const WindowMatrix& matrix, int32_t group)
      : layer_(matrix.layer_of(group, operation, input.zero_point), packed_form()) {
    for (const RowBand& band : row_bands(input, operation, matrix, kLeastColumns)) {
      const MatrixShape shape{matrix.run_offsets().data() + band.first_run, static_cast<int32_t>(band.runs),
                              layer_.steps()};
      const bool whole = band.runs == matrix.run_offsets().size();
      bands_.push_back({band.first_row, band.rows, band.first_run * static_cast<size_t>(layer_.steps()), shape,
                        whole ? nullptr : starts_with(border_sums(operation, matrix, group, band))});
    }
  }

  size_t blocks() const { return layer_.blocks().size(); }
  const std::vector<Band>& bands() const { return bands_; }

  ChannelBlock block(size_t number, const Band& band) const {
    ChannelBlock block = layer_.blocks()[number];
    block.weights += band.skipped * static_cast<size_t>(block.vectors) * 64;
    if (band.starts) block.bias = reinterpret_cast<const int32_t*>(band.starts.get()) + block.first;
    return block;
  }

 private:
  /** Tiles fit into bands of that many columns. */
  static constexpr int32_t kLeastColumns = 4;

  /** Blocks are as wide as their registers but for the last one, so that a block's first channel is its place. */
  AlignedMemory starts_with(const std::vector<int32_t>& sums) const {
    AlignedMemory memory = allocate_aligned((sums.size() + 64) * sizeof(int32_t));
    for (const ChannelBlock& block : layer_.blocks()) {
      auto* const starts = reinterpret_cast<int32_t*>(memory.get()) + block.first;
      for (int32_t word = 0; word < block.vectors * 16; word++) {
        const int32_t channel = channel_of(word / 16, word % 16, block.vectors);
        if (channel >= block.channels) continue;
        const auto sum = static_cast<uint32_t>(sums[static_cast<size_t>(block.first + channel)]);
        starts[word] = static_cast<int32_t>(static_cast<uint32_t>(block.bias[word]) + sum);
      }
    }
    return memory;
  }

  PackedLayer layer_;
  std::vector<Band> bands_;
};

}  // namespace spikescope::avx512vnni

#endif
