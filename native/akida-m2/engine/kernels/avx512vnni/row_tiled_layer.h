#pragma once

#include "matrix.h"

#if SPIKESCOPE_X86

#include "../row_tiling.h"

namespace spikescope::avx512vnni {

/** The weights of one group of a convolution, and for every row tile of its output what its sums start from. */
class RowTiledLayer {
 public:
  /** A row tile and what it needs of the packed weights. */
  struct PackedRows {
    int32_t first_row;
    int32_t rows;
    /** Words of weights per lane before those of the tile's first run. */
    size_t skipped;
    MatrixShape shape;
    /** Where the tile's sums start from, block after block as in the layer; null where they start from the bias. */
    AlignedMemory starts;
  };

  RowTiledLayer(const Tensor& input, const Convolution& operation, const Im2colView& view, int32_t group)
      : layer_(view.layer_of(group, operation, input.zero_point), packed_form()) {
    for (const RowTile& tile : tile_rows(input, operation, view, kLeastColumns)) {
      const MatrixShape shape{view.run_offsets().data() + tile.first_run, static_cast<int32_t>(tile.runs),
                              layer_.steps()};
      const bool whole = tile.runs == view.run_offsets().size();
      row_tiles_.push_back({tile.first_row, tile.rows, tile.first_run * static_cast<size_t>(layer_.steps()), shape,
                            whole ? nullptr : starts_with(border_sums(operation, view, group, tile))});
    }
  }

  size_t blocks() const { return layer_.blocks().size(); }
  const std::vector<PackedRows>& row_tiles() const { return row_tiles_; }

  /** Weights that are read after those of a block, as many at least; its own where there are none. */
  const uint8_t* after(size_t number) const {
    const auto& blocks = layer_.blocks();
    const bool follows = number + 1 < blocks.size() && blocks[number + 1].vectors == blocks[number].vectors;
    return blocks[number + (follows ? 1 : 0)].weights;
  }

  ChannelBlock block(size_t number, const PackedRows& rows) const {
    ChannelBlock block = layer_.blocks()[number];
    block.weights += rows.skipped * static_cast<size_t>(block.vectors) * 64;
    if (rows.starts) block.bias = reinterpret_cast<const int32_t*>(rows.starts.get()) + block.first;
    return block;
  }

 private:
  /** Tiles fit into rows of that many columns. */
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
  std::vector<PackedRows> row_tiles_;
};

}  // namespace spikescope::avx512vnni

#endif
