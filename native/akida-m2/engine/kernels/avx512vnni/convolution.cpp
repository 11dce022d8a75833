#include "kernels.h"

#if SPIKESCOPE_X86

#include <vector>

#include "../pixel_cursor.h"
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
      const PixelCursor first(matrix_, input + group * static_cast<size_t>(matrix_.group_inputs()),
                              output + group * static_cast<size_t>(matrix_.group_outputs()), output_stride_);
      for (const ChannelBlock& block : layer.blocks()) {
        switch (block.vectors) {
          case 4:
            run_block<6, 4>(first, block, shape);
            break;
          case 2:
            run_block<8, 2>(first, block, shape);
            break;
          default:
            run_block<8, 1>(first, block, shape);
        }
      }
    }
  }

 private:
  /** The last pixels are filled up with the last one again, which gives the same bytes again. */
  template <int Pixels, int Vectors>
  SPIKESCOPE_AVX512 void run_block(PixelCursor cursor, const ChannelBlock& block, const MatrixShape& shape) const {
    const Finish parameters = make_finish(zero_point_, clamp_);
    const int32_t pixels = matrix_.rows() * matrix_.columns();
    for (int32_t done = 0; done < pixels; done += Pixels) {
      const uint8_t* windows[Pixels];
      uint8_t* outputs[Pixels];
      for (int p = 0; p < Pixels; p++) {
        windows[p] = cursor.window();
        outputs[p] = cursor.output();
        cursor.advance();
      }
      multiply_pixels<Pixels, Vectors>(windows, outputs, block, shape, parameters);
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
