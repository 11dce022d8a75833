#include "kernels.h"

#if SPIKESCOPE_X86

#include "convolution.h"

namespace spikescope::avx512vnni {
namespace {

class ConvolutionKernel final : public Kernel {
 public:
  ConvolutionKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : convolution_(input, node, operation, node.pixel_stride()) {}

  size_t scratch_bytes() const override { return convolution_.scratch_bytes(); }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    convolution_.run({inputs[0], output}, scratch, NothingAfter{});
  }

 private:
  const TiledConvolution convolution_;
};

}  // namespace

std::unique_ptr<Kernel> make_convolution(const Graph& graph, const Node& node, const Convolution& operation) {
  return std::make_unique<ConvolutionKernel>(graph.tensor(node.inputs[0]), node, operation);
}

}  // namespace spikescope::avx512vnni

#endif
