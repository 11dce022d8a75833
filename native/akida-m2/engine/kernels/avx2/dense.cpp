#include "kernels.h"

#if SPIKESCOPE_X86

#include <vector>

#include "../layer_rows.h"
#include "matrix.h"

namespace spikescope::avx2 {
namespace {

/** The layer as a matrix with a single pixel. */
class DenseKernel final : public Kernel {
 public:
  DenseKernel(const Tensor& input, const Tensor& output, const Dense& operation)
      : length_(input.shape.elements()),
        layer_(rows_of(operation, static_cast<int32_t>(input.shape.elements()), input.zero_point), packed_form()),
        zero_point_(output.zero_point),
        clamp_(operation.clamp) {}

  size_t scratch_bytes() const override { return length_ * 2 + kWidenSlack; }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    multiply(inputs[0], output, reinterpret_cast<int16_t*>(scratch));
  }

 private:
  SPIKESCOPE_AVX2 void multiply(const uint8_t* input, uint8_t* output, int16_t* row) const {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    widen(input, length_, row);
    const auto words = static_cast<size_t>(layer_.steps());
    for (const ChannelBlock& block : layer_.blocks()) {
      if (block.vectors == 2) {
        multiply_pixels<1, 2>(row, 0, words, &output, block, parameters);
      } else {
        multiply_pixels<1, 1>(row, 0, words, &output, block, parameters);
      }
    }
  }

  const size_t length_;
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

  SPIKESCOPE_AVX2 void run(const uint8_t* embedding, int32_t* potentials) const override {
    for (size_t c = 0; c < bias_.size(); c++) {
      const uint8_t* const weights = weights_.get() + c * length_;
      __m256i sums = _mm256_setzero_si256();
      for (size_t at = 0; at < length_; at += 16) {
        const __m256i row = _mm256_cvtepi8_epi16(load128(weights + at));
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(load_wide(embedding + at), row));
      }
      potentials[c] = static_cast<int32_t>(static_cast<uint32_t>(bias_[c]) + sum_of(sums));
    }
  }

 private:
  SPIKESCOPE_INLINE256 static uint32_t sum_of(__m256i sums) {
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    const __m128i one = _mm_add_epi32(two, _mm_shuffle_epi32(two, 1));
    return static_cast<uint32_t>(_mm_cvtsi128_si32(one));
  }

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

}  // namespace spikescope::avx2

#endif
