#pragma once

#include "matrix.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <vector>

#include "../window_matrix.h"

namespace spikescope::avx512vnni {

/** The memory that a convolution works on; `operand` as in StridedPixels. */
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
      : matrix_(input, node.output, operation),
        zero_point_(node.output.zero_point),
        clamp_(operation.clamp),
        output_stride_(output_stride) {
    for (int32_t group = 0; group < matrix_.groups(); group++) {
      layers_.emplace_back(matrix_.layer_of(group, operation, input.zero_point), packed_form());
    }
  }

  size_t scratch_bytes() const { return matrix_.scratch_bytes(); }

  template <typename After>
  void run(const ConvolutionPlaces& places, uint8_t* scratch, const After& after) const {
    const uint8_t* const input = matrix_.prepare(places.input, scratch);
    for (size_t group = 0; group < layers_.size(); group++) {
      const PackedLayer& layer = layers_[group];
      const MatrixShape shape{matrix_.run_offsets().data(), static_cast<int32_t>(matrix_.run_offsets().size()),
                              layer.steps()};
      const ConvolutionPlaces of_group{input + group * static_cast<size_t>(matrix_.group_inputs()),
                                       places.output + group * static_cast<size_t>(matrix_.group_outputs()),
                                       places.operand};
      for (const ChannelBlock& block : layer.blocks()) {
        switch (block.vectors) {
          case 4:
            run_block<6, 4>(of_group, block, shape, after);
            break;
          case 2:
            run_block<8, 2>(of_group, block, shape, after);
            break;
          default:
            run_block<8, 1>(of_group, block, shape, after);
        }
      }
    }
  }

 private:
  template <int Pixels, int Vectors, typename After>
  void run_block(const ConvolutionPlaces& places, const ChannelBlock& block, const MatrixShape& shape,
                 const After& after) const {
    if (matrix_.columns() >= Pixels) {
      run_wide<Pixels, Vectors>(places, block, shape, after);
    } else {
      run_narrow<4 / Vectors, Vectors>(places, block, shape, after);
    }
  }

  template <int Pixels, int Vectors, typename After>
  SPIKESCOPE_AVX512 void run_wide(const ConvolutionPlaces places, const ChannelBlock block, const MatrixShape shape,
                                  const After& after) const {
    const Finish constants = make_finish(zero_point_, clamp_);
    const Finish* const parameters = kept_in_memory(&constants);
    const typename After::Ready ready = after.ready();
    const size_t window_step = matrix_.window_offset(0, 1);
    const size_t output_step = output_stride_;
    const int32_t rows = matrix_.rows();
    const int32_t columns = matrix_.columns();
    for (int32_t row = 0; row < rows; row++) {
      const uint8_t* const windows = places.input + matrix_.window_offset(row, 0);
      const size_t row_offset = static_cast<size_t>(row) * static_cast<size_t>(columns) * output_step;
      for (int32_t column = 0; column < columns; column += Pixels) {
        // The last pixels of a row overlap the ones before them rather than being fewer.
        const auto first = static_cast<size_t>(std::min(column, columns - Pixels));
        const size_t offset = row_offset + first * output_step;
        const uint8_t* const operand = After::kReadsOperand ? places.operand + offset : nullptr;
        const StridedPixels pixels{windows + first * window_step, window_step, places.output + offset, output_step,
                                   operand};
        multiply_pixels<Pixels, Vectors>(pixels, block, shape, *parameters, ready);
      }
    }
  }

  /** Outputs narrower than a tile: pixel by pixel; where a tile needs several, the pixel stands for all of them. */
  template <int Pixels, int Vectors, typename After>
  SPIKESCOPE_AVX512 void run_narrow(const ConvolutionPlaces& places, const ChannelBlock& block,
                                    const MatrixShape& shape, const After& after) const {
    const Finish parameters = make_finish(zero_point_, clamp_);
    const typename After::Ready ready = after.ready();
    for (int32_t row = 0; row < matrix_.rows(); row++) {
      for (int32_t column = 0; column < matrix_.columns(); column++) {
        const size_t offset = static_cast<size_t>(row * matrix_.columns() + column) * output_stride_;
        const uint8_t* const operand = After::kReadsOperand ? places.operand + offset : nullptr;
        const StridedPixels pixels{places.input + matrix_.window_offset(row, column), 0, places.output + offset, 0,
                                   operand};
        multiply_pixels<Pixels, Vectors>(pixels, block, shape, parameters, ready);
      }
    }
  }

  const WindowMatrix matrix_;
  const int32_t zero_point_;
  const Clamp clamp_;
  const size_t output_stride_;
  std::vector<PackedLayer> layers_;
};

}  // namespace spikescope::avx512vnni

#endif
