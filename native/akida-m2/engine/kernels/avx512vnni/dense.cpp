#include "kernels.h"

#if SPIKESCOPE_X86

#include <vector>

#include "../layer_rows.h"
#include "matrix.h"

namespace spikescope::avx512vnni {
namespace {

/** The layer as a matrix with a single pixel. */
class DenseKernel final : public Kernel {
 public:
  DenseKernel(const Tensor& input, const Tensor& output, const Dense& operation)
      : layer_(rows_of(operation, static_cast<int32_t>(input.shape.elements()), input.zero_point), packed_form()),
        zero_point_(output.zero_point),
        clamp_(operation.clamp) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override { multiply(inputs, output); }

 private:
  SPIKESCOPE_AVX512 void multiply(const uint8_t* const* inputs, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    const size_t start = 0;
    const MatrixShape shape{&start, 1, layer_.steps()};
    for (const ChannelBlock& block : layer_.blocks()) {
      // Narrow blocks are made for several pixels; the one there is stands for all of them.
      const StridedWindows windows{inputs[0], 0};
      const OutputPixels places{output, 0};
      switch (block.vectors) {
        case 4:
          multiply_pixels<1, 4>(windows, places, block, shape, parameters);
          break;
        case 2:
          multiply_pixels<2, 2>(windows, places, block, shape, parameters);
          break;
        default:
          multiply_pixels<4, 1>(windows, places, block, shape, parameters);
      }
    }
  }

  const PackedLayer layer_;
  const int32_t zero_point_;
  const Clamp clamp_;
};

/** Each class is one dot product over the embedding; rows are filled up with zero weights to whole registers. */
class Potentials final : public HeadKernel {
 public:
  Potentials(const Tensor& embedding, const Head& head)
      : length_(round_up(embedding.shape.elements())),
        weights_(pack_rows(head, length_)),
        bias_(folded_biases(head, embedding.zero_point)) {}

  SPIKESCOPE_AVX512 void run(const uint8_t* embedding, int32_t* potentials) const override {
    for (size_t c = 0; c < bias_.size(); c++) {
      const uint8_t* const weights = weights_.get() + c * length_;
      __m512i even = _mm512_setzero_si512();
      __m512i odd = _mm512_setzero_si512();
      size_t at = 0;
      for (; at + 128 <= length_; at += 128) {
        even = _mm512_dpbusd_epi32(even, _mm512_loadu_si512(embedding + at), _mm512_load_si512(weights + at));
        odd = _mm512_dpbusd_epi32(odd, _mm512_loadu_si512(embedding + at + 64), _mm512_load_si512(weights + at + 64));
      }
      if (at < length_) {
        even = _mm512_dpbusd_epi32(even, _mm512_loadu_si512(embedding + at), _mm512_load_si512(weights + at));
      }
      const auto sum = static_cast<uint32_t>(_mm512_reduce_add_epi32(_mm512_add_epi32(even, odd)));
      potentials[c] = static_cast<int32_t>(static_cast<uint32_t>(bias_[c]) + sum);
    }
  }

 private:
  const size_t length_;
  const AlignedMemory weights_;
  const std::vector<int32_t> bias_;
};

}  // namespace

std::unique_ptr<Kernel> make_dense(const Graph& graph, const Node& node, const Dense& operation) {
  return std::make_unique<DenseKernel>(graph.tensor(node.inputs[0]), node.output, operation);
}

std::unique_ptr<HeadKernel> make_head(const Graph& graph) {
  return std::make_unique<Potentials>(graph.tensor(graph.head.input), graph.head);
}

}  // namespace spikescope::avx512vnni

#endif
