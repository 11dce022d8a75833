#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../graph.h"

namespace spikescope {

/** A choice of rows, columns and channels as pieces of consecutive bytes, whatever the instruction set. */
struct SelectLayer {
  struct Piece {
    size_t offset;
    size_t length;
  };

  SelectLayer(const Graph& graph, const Node& node, const Select& operation) {
    const Shape& input = graph.tensor(node.inputs[0]).shape;
    const auto pixel = static_cast<size_t>(input.channels);
    const size_t row = static_cast<size_t>(input.width) * pixel;
    channels = joined(operation.channels, 1);
    const bool whole = channels.size() == 1 && channels[0].length == pixel;
    // Whole pixels that lie side by side are one piece.
    columns = whole ? joined(operation.columns, pixel) : separate(operation.columns, pixel);
    if (whole) channels.clear();
    for (const int32_t place : operation.rows) rows.push_back(static_cast<size_t>(place) * row);
  }

  /** First byte of each row. */
  std::vector<size_t> rows;
  /** Within a row. */
  std::vector<Piece> columns;
  /** Within a pixel; none where pixels are taken whole. */
  std::vector<Piece> channels;

 private:
  static std::vector<Piece> separate(const std::vector<int32_t>& places, size_t size) {
    std::vector<Piece> pieces;
    for (const int32_t place : places) pieces.push_back({static_cast<size_t>(place) * size, size});
    return pieces;
  }

  static std::vector<Piece> joined(const std::vector<int32_t>& places, size_t size) {
    std::vector<Piece> pieces;
    for (const Piece& piece : separate(places, size)) {
      if (!pieces.empty() && pieces.back().offset + pieces.back().length == piece.offset) {
        pieces.back().length += piece.length;
      } else {
        pieces.push_back(piece);
      }
    }
    return pieces;
  }
};

/**
 * A choice of channels as look-ups of sixteen bytes: each sixteen channels of the output come from a few places of the
 * input's pixel, sixteen bytes from each.
 */
struct ChannelShuffle {
  /** What it is worth its memory for. */
  static constexpr size_t kMostChannels = 65536;

  struct Window {
    /** First byte, within a pixel. */
    size_t offset;
    /** For each byte of the block its place in the window; with the top bit set where another window has it. */
    uint8_t places[16];
  };

  struct Block {
    /** First channel of the output, and how many. */
    size_t first;
    size_t count;
    std::vector<Window> windows;
  };

  explicit ChannelShuffle(const std::vector<int32_t>& channels) {
    for (size_t first = 0; first < channels.size(); first += 16) {
      blocks.push_back({first, channels.size() - first < 16 ? channels.size() - first : 16, {}});
      fill(blocks.back(), channels);
      windows += blocks.back().windows.size();
    }
  }

  std::vector<Block> blocks;
  /** Of all blocks. */
  size_t windows = 0;

 private:
  static void fill(Block& block, const std::vector<int32_t>& channels) {
    bool taken[16] = {};
    for (;;) {
      int32_t least = -1;
      for (size_t i = 0; i < block.count; i++) {
        const int32_t channel = channels[block.first + i];
        if (!taken[i] && (least < 0 || channel < least)) least = channel;
      }
      if (least < 0) return;
      Window window{static_cast<size_t>(least), {}};
      for (size_t i = 0; i < 16; i++) {
        const int32_t place = i < block.count && !taken[i] ? channels[block.first + i] - least : 16;
        window.places[i] = place < 16 ? static_cast<uint8_t>(place) : uint8_t{128};
        if (place < 16) taken[i] = true;
      }
      block.windows.push_back(window);
    }
  }
};

}  // namespace spikescope
