#pragma once

#include "matrix.h"

#if SPIKESCOPE_ARM64

#include <algorithm>
#include <vector>

#include "../../kernel.h"
#include "../layer_rows.h"
#include "../im2col_view.h"

/** The layers that are matrix products, for any `Arithmetic` of matrix.h. */
namespace spikescope::neon {

template <class Arithmetic>
class ConvolutionKernel final : public Kernel {
 public:
  ConvolutionKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : view_(input, node.output, operation),
        zero_point_(node.output.zero_point),
        clamp_(operation.clamp),
        output_stride_(node.pixel_stride()) {
    for (int32_t group = 0; group < view_.groups(); group++) {
      layers_.emplace_back(view_.layer_of(group, operation, input.zero_point - kSignedOffset), packed_form());
    }
    // As many pixels as stay in the first-level cache while all channels pass over them.
    constexpr size_t kCachedBytes = 16384;
    const size_t pixel_bytes = view_.window_offset(0, 1) * view_.run_offsets().size();
    const size_t fitting = std::max<size_t>(kCachedBytes / pixel_bytes / kPixelMultiple, 1) * kPixelMultiple;
    panel_columns_ = static_cast<int32_t>(std::min(fitting, static_cast<size_t>(view_.columns())));
  }

  size_t scratch_bytes() const override { return view_.scratch_bytes(); }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    const uint8_t* const input = view_.prepare(inputs[0], scratch);
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    for (size_t group = 0; group < layers_.size(); group++) {
      const MatrixShape shape{view_.run_offsets().data(), static_cast<int32_t>(view_.run_offsets().size()),
                              layers_[group].steps()};
      const Operands operands{input + group * static_cast<size_t>(view_.group_inputs()),
                              output + group * static_cast<size_t>(view_.group_outputs()), parameters, shape};
      for (int32_t row = 0; row < view_.rows(); row++) {
        for (int32_t column = 0; column < view_.columns(); column += panel_columns_) {
          const int32_t end = std::min(column + panel_columns_, view_.columns());
          for (const ChannelBlock& block : layers_[group].blocks()) run_block(operands, block, row, column, end);
        }
      }
    }
  }

 private:
  /** A multiple of every tile's pixels. */
  static constexpr size_t kPixelMultiple = 8;

  struct Operands {
    const uint8_t* input;
    uint8_t* output;
    const OutputStage& parameters;
    MatrixShape shape;
  };

  void run_block(const Operands& operands, const ChannelBlock& block, int32_t row, int32_t first, int32_t end) const {
    switch (block.vectors) {
      case 4:
        run_columns<Arithmetic::pixels(4), 4>(operands, block, row, first, end);
        break;
      case 2:
        run_columns<Arithmetic::pixels(2), 2>(operands, block, row, first, end);
        break;
      default:
        run_columns<Arithmetic::pixels(1), 1>(operands, block, row, first, end);
    }
  }

  /** Columns first…end − 1 of a row; the last tile overlaps the one before rather than being narrower. */
  template <int Pixels, int Vectors>
  void run_columns(const Operands& operands, const ChannelBlock& block, int32_t row, int32_t first,
                   int32_t end) const {
    if constexpr (Pixels > 1) {
      if (end < Pixels) return run_columns<Pixels / 2, Vectors>(operands, block, row, first, end);
    }
    const size_t window_step = view_.window_offset(0, 1);
    const uint8_t* const windows = operands.input + view_.window_offset(row, 0);
    uint8_t* const outputs =
        operands.output + static_cast<size_t>(row) * static_cast<size_t>(view_.columns()) * output_stride_;
    const auto run_tiles = [&](int32_t column, size_t tiles) {
      const auto pixel = static_cast<size_t>(column);
      const StridedPixels places{windows + pixel * window_step, window_step, outputs + pixel * output_stride_,
                                 output_stride_};
      Tiles<Arithmetic, Pixels, Vectors>::run(places, tiles, block, operands.shape, operands.parameters);
    };
    const int32_t tiles = (end - first) / Pixels;
    if (tiles > 0) run_tiles(first, static_cast<size_t>(tiles));
    if (first + tiles * Pixels < end) run_tiles(end - Pixels, 1);
  }

  const Im2colView view_;
  const int32_t zero_point_;
  const Clamp clamp_;
  const size_t output_stride_;
  std::vector<PackedLayer> layers_;
  int32_t panel_columns_ = 0;
};

/** The layer as a matrix with a single pixel. */
template <class Arithmetic>
class DenseKernel final : public Kernel {
 public:
  DenseKernel(const Tensor& input, const Tensor& output, const Dense& operation)
      : layer_(rows_of(operation, static_cast<int32_t>(input.shape.elements()), input.zero_point - kSignedOffset),
               packed_form()),
        zero_point_(output.zero_point),
        clamp_(operation.clamp) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    const size_t start = 0;
    const MatrixShape shape{&start, 1, layer_.steps()};
    const StridedPixels places{inputs[0], 0, output, 0};
    for (const ChannelBlock& block : layer_.blocks()) {
      switch (block.vectors) {
        case 4:
          Tiles<Arithmetic, 1, 4>::run(places, 1, block, shape, parameters);
          break;
        case 2:
          Tiles<Arithmetic, 1, 2>::run(places, 1, block, shape, parameters);
          break;
        default:
          Tiles<Arithmetic, 1, 1>::run(places, 1, block, shape, parameters);
      }
    }
  }

 private:
  const PackedLayer layer_;
  const int32_t zero_point_;
  const Clamp clamp_;
};

/** Each class is one dot product over the embedding; rows are filled up with zero weights to whole registers. */
template <class Arithmetic>
class Potentials final : public HeadKernel {
 public:
  Potentials(const Tensor& embedding, const Head& head)
      : length_(round_up(embedding.shape.elements())),
        weights_(pack_rows(head, length_)),
        bias_(folded_biases(head, embedding.zero_point - kSignedOffset)) {}

  void run(const uint8_t* embedding, int32_t* potentials) const override {
    for (size_t c = 0; c < bias_.size(); c += 2) {
      // The last class of an odd number is computed twice.
      const size_t second = std::min(c + 1, bias_.size() - 1);
      run_pair(embedding, c, second, potentials);
    }
  }

 private:
  using Sum = typename Arithmetic::Sum;

  SPIKESCOPE_INLINE void run_pair(const uint8_t* embedding, size_t first, size_t second, int32_t* potentials) const {
    const uint8_t* const rows[2] = {weights_.get() + first * length_, weights_.get() + second * length_};
    Sum even[2] = {Sum{}, Sum{}};
    Sum odd[2] = {Sum{}, Sum{}};
    for (size_t at = 0; at < length_; at += 32) {
      const int8x16_t low = load_signed(embedding + at);
      const int8x16_t high = load_signed(embedding + at + 16);
      Arithmetic::add(even[0], vreinterpretq_s8_u8(vld1q_u8(rows[0] + at)), low);
      Arithmetic::add(even[1], vreinterpretq_s8_u8(vld1q_u8(rows[1] + at)), low);
      Arithmetic::add(odd[0], vreinterpretq_s8_u8(vld1q_u8(rows[0] + at + 16)), high);
      Arithmetic::add(odd[1], vreinterpretq_s8_u8(vld1q_u8(rows[1] + at + 16)), high);
    }
    potentials[first] = potential(bias_[first], even[0], odd[0]);
    potentials[second] = potential(bias_[second], even[1], odd[1]);
  }

  /** Wraps like the sums do; what comes out is in range. */
  static SPIKESCOPE_INLINE int32_t potential(int32_t bias, const Sum& even, const Sum& odd) {
    const int32x4_t sums = vaddq_s32(Arithmetic::total(even), Arithmetic::total(odd));
    return static_cast<int32_t>(static_cast<uint32_t>(bias) + static_cast<uint32_t>(vaddvq_s32(sums)));
  }

  const size_t length_;
  const AlignedMemory weights_;
  const std::vector<int32_t> bias_;
};

}  // namespace spikescope::neon

#endif
