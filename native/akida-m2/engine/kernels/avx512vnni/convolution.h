#pragma once

#include "matrix.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <vector>

#include "../tile_cover.h"
#include "row_tiled_layer.h"
#include "window_walk.h"

namespace spikescope::avx512vnni {

/** The memory that a convolution works on; `operand` as in OutputPixels. */
struct ConvolutionPlaces {
  const uint8_t* input;
  uint8_t* output;
  const uint8_t* operand = nullptr;
};

/**
 * A convolution as a matrix product, tile by tile, with what follows it. What a loop needs it holds by value: a compiler
 * must take it that a byte stored through a pointer may change anything else.
 */
class TiledConvolution {
 public:
  TiledConvolution(const Tensor& input, const Node& node, const Convolution& operation, size_t output_stride)
      : view_(input, node.output, operation),
        zero_point_(node.output.zero_point),
        clamp_(operation.clamp),
        output_stride_(output_stride) {
    for (int32_t group = 0; group < view_.groups(); group++) layers_.emplace_back(input, operation, view_, group);
  }

  size_t scratch_bytes() const { return view_.scratch_bytes(); }

  template <typename After>
  void run(const ConvolutionPlaces& places, uint8_t* scratch, const After& after) const {
    const uint8_t* const input = view_.prepare(places.input, scratch);
    for (size_t group = 0; group < layers_.size(); group++) {
      const ConvolutionPlaces of_group{input + group * static_cast<size_t>(view_.group_inputs()),
                                       places.output + group * static_cast<size_t>(view_.group_outputs()),
                                       places.operand};
      const RowTiledLayer& layer = layers_[group];
      for (size_t block = 0; block < layer.blocks(); block++) {
        for (const RowTiledLayer::PackedRows& rows : layer.row_tiles()) {
          run_rows(of_group, layer.block(block, rows), rows, after, layer.after(block));
        }
      }
    }
  }

 private:
  template <typename After>
  void run_rows(const ConvolutionPlaces& places, const ChannelBlock& block, const RowTiledLayer::PackedRows& rows,
                const After& after, const uint8_t* next) const {
    switch (block.vectors) {
      case 4:
        run_tiles<6, 4, 4>(places, block, rows, after, next);
        break;
      case 2:
        run_tiles<8, 4, 2>(places, block, rows, after, next);
        break;
      default:
        run_tiles<8, 4, 1>(places, block, rows, after, next);
    }
  }

  /** Tiles of `Large` and `Small` pixels, in the row order of the row tile whether a row ends or not. */
  template <int Large, int Small, int Vectors, typename After>
  SPIKESCOPE_AVX512 void run_tiles(const ConvolutionPlaces places, const ChannelBlock block,
                                   const RowTiledLayer::PackedRows& rows, const After& after,
                                   const uint8_t* next) const {
    const OutputStage constants = make_output_stage(zero_point_, clamp_);
    const OutputStage* const parameters = kept_in_memory(&constants);
    const typename After::Ready ready = after.ready();
    const MatrixShape shape = rows.shape;
    const int32_t pixels = rows.rows * view_.columns();
    const size_t output_step = output_stride_;
    const auto first = static_cast<size_t>(rows.first_row) * static_cast<size_t>(view_.columns()) * output_step;
    uint8_t* const output = places.output + first;
    const uint8_t* const operand = After::kReadsOperand ? places.operand + first : nullptr;
    WindowWalk walk(view_, places.input, rows.first_row);
    const TileCover cover = cover_pixels(pixels, Large, Small);
    // A large layer's weights come from far away, the first time: the first tiles fetch the next block's, a part each.
    const size_t part = static_cast<size_t>(shape.runs) * static_cast<size_t>(shape.steps) * 64;
    const auto ahead = [&](int32_t tile) { return next + static_cast<size_t>(tile % Vectors) * part; };
    int32_t pixel = 0;
    const auto place = [&](size_t step) {
      const size_t at = static_cast<size_t>(pixel) * output_step;
      return OutputPixels{output + at, step, After::kReadsOperand ? operand + at : nullptr};
    };
    for (int32_t tile = 0; tile < cover.large; tile++, pixel += Large) {
      pixel = walk.go_to(std::min(pixel, pixels - Large));
      multiply_pixels<Large, Vectors>(walk.take<Large>(), place(output_step), block, shape, *parameters, ready,
                                      ahead(tile));
    }
    for (int32_t tile = 0; tile < cover.small; tile++, pixel += Small) {
      pixel = walk.go_to(std::min(pixel, pixels - Small));
      multiply_pixels<Small, Vectors>(walk.take<Small>(), place(output_step), block, shape, *parameters, ready,
                                      ahead(cover.large + tile));
    }
    // Where even a small tile is too large a pixel is alone; where a tile needs several, it stands for all of them.
    for (; pixel < pixels; pixel++) {
      constexpr int kLeast = 4 / Vectors;
      multiply_pixels<kLeast, Vectors>(StridedWindows{walk.take<1>().windows[0], 0}, place(0), block, shape,
                                       *parameters, ready);
    }
  }

  const Im2colView view_;
  const int32_t zero_point_;
  const Clamp clamp_;
  const size_t output_stride_;
  std::vector<RowTiledLayer> layers_;
};

}  // namespace spikescope::avx512vnni

#endif
