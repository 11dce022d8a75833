#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <vector>

#include "../window_matrix.h"
#include "matrix.h"

namespace spikescope::avx512vnni {
namespace {

class ConvolutionKernel final : public Kernel {
 public:
  ConvolutionKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : matrix_(input, node.output, operation),
        zero_point_(node.output.zero_point),
        clamp_(operation.clamp),
        output_stride_(node.pixel_stride()) {
    for (int32_t group = 0; group < matrix_.groups(); group++) {
      layers_.emplace_back(matrix_.layer_of(group, operation, input.zero_point), packed_form());
    }
  }

  size_t scratch_bytes() const override { return matrix_.scratch_bytes(); }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    const uint8_t* const input = matrix_.prepare(inputs[0], scratch);
    for (size_t group = 0; group < layers_.size(); group++) {
      const PackedLayer& layer = layers_[group];
      const MatrixShape shape{matrix_.run_offsets().data(), static_cast<int32_t>(matrix_.run_offsets().size()),
                              layer.steps()};
      const uint8_t* const group_input = input + group * static_cast<size_t>(matrix_.group_inputs());
      uint8_t* const group_output = output + group * static_cast<size_t>(matrix_.group_outputs());
      for (const ChannelBlock& block : layer.blocks()) {
        switch (block.vectors) {
          case 4:
            run_block<6, 4>(group_input, group_output, block, shape);
            break;
          case 2:
            run_block<8, 2>(group_input, group_output, block, shape);
            break;
          default:
            run_block<8, 1>(group_input, group_output, block, shape);
        }
      }
    }
  }

 private:
  template <int Pixels, int Vectors>
  void run_block(const uint8_t* input, uint8_t* output, const ChannelBlock& block, const MatrixShape& shape) const {
    if (matrix_.columns() >= Pixels) {
      run_wide<Pixels, Vectors>(input, output, block, shape);
    } else {
      run_narrow<4 / Vectors, Vectors>(input, output, block, shape);
    }
  }

  template <int Pixels, int Vectors>
  SPIKESCOPE_AVX512 void run_wide(const uint8_t* input, uint8_t* output, const ChannelBlock& block,
                                  const MatrixShape& shape) const {
    const Finish constants = make_finish(zero_point_, clamp_);
    const Finish* const parameters = kept_in_memory(&constants);
    const size_t window_step = matrix_.window_offset(0, 1);
    for (int32_t row = 0; row < matrix_.rows(); row++) {
      for (int32_t column = 0; column < matrix_.columns(); column += Pixels) {
        // The last pixels of a row overlap the ones before them rather than being fewer.
        const int32_t first = std::min(column, matrix_.columns() - Pixels);
        const auto pixel = static_cast<size_t>(row * matrix_.columns() + first);
        const StridedPixels places{input + matrix_.window_offset(row, first), window_step,
                                   output + pixel * output_stride_, output_stride_};
        multiply_pixels<Pixels, Vectors>(places, block, shape, *parameters);
      }
    }
  }

  /** Outputs narrower than a tile: pixel by pixel; where a tile needs several, the pixel stands for all of them. */
  template <int Pixels, int Vectors>
  SPIKESCOPE_AVX512 void run_narrow(const uint8_t* input, uint8_t* output, const ChannelBlock& block,
                                    const MatrixShape& shape) const {
    const Finish parameters = make_finish(zero_point_, clamp_);
    for (int32_t row = 0; row < matrix_.rows(); row++) {
      for (int32_t column = 0; column < matrix_.columns(); column++, output += output_stride_) {
        const StridedPixels places{input + matrix_.window_offset(row, column), 0, output, 0};
        multiply_pixels<Pixels, Vectors>(places, block, shape, parameters);
      }
    }
  }

  const WindowMatrix matrix_;
  const int32_t zero_point_;
  const Clamp clamp_;
  const size_t output_stride_;
  std::vector<PackedLayer> layers_;
};

}  // namespace

std::unique_ptr<Kernel> make_convolution(const Graph& graph, const Node& node, const Convolution& operation) {
  return std::make_unique<ConvolutionKernel>(graph.tensor(node.inputs[0]), node, operation);
}

}  // namespace spikescope::avx512vnni

#endif
