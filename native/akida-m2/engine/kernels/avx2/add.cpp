#include "kernels.h"

#if SPIKESCOPE_X86

#include <vector>

#include "vectors.h"

namespace spikescope::avx2 {
namespace {

/** Σ q × multiplier two inputs at a time: each 32-bit lane holds one value of either. */
class AddKernel final : public Kernel {
 public:
  AddKernel(const Graph& graph, const Node& node, const Add& operation)
      : length_(node.output.shape.elements()),
        zero_point_(node.output.zero_point),
        shift_(operation.shift),
        clamp_(operation.clamp) {
    start_ = shift_ == 0 ? 0 : 1 << (shift_ - 1);
    for (size_t i = 0; i < node.inputs.size(); i += 2) {
      const bool two = i + 1 < node.inputs.size();
      const auto first = static_cast<uint32_t>(operation.multipliers[i]);
      const auto second = two ? static_cast<uint32_t>(operation.multipliers[i + 1]) : 0;
      pairs_.push_back({i, two ? i + 1 : i, static_cast<int32_t>(first | second << 16)});
      start_ -= graph.tensor(node.inputs[i]).zero_point * operation.multipliers[i];
      if (two) start_ -= graph.tensor(node.inputs[i + 1]).zero_point * operation.multipliers[i + 1];
    }
  }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override { add(inputs, output); }

 private:
  struct Pair {
    size_t first;
    size_t second;
    int32_t multipliers;
  };

  SPIKESCOPE_AVX2 void add(const uint8_t* const* inputs, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    const __m256i start = _mm256_set1_epi32(start_);
    const __m128i shift = _mm_cvtsi32_si128(shift_);
    for (size_t at = 0; at < length_; at += 32) {
      __m256i sums[4] = {start, start, start, start};
      for (const Pair& pair : pairs_) {
        add_pair(load256(inputs[pair.first] + at), load256(inputs[pair.second] + at),
                 _mm256_set1_epi32(pair.multipliers), sums);
      }
      const __m256i low = _mm256_packs_epi32(_mm256_sra_epi32(sums[0], shift), _mm256_sra_epi32(sums[1], shift));
      const __m256i high = _mm256_packs_epi32(_mm256_sra_epi32(sums[2], shift), _mm256_sra_epi32(sums[3], shift));
      store_bytes(output + at, output_bytes(low, high, parameters),
                  length_ - at);
    }
  }

  SPIKESCOPE_INLINE256 static void add_pair(__m256i first, __m256i second, __m256i multipliers, __m256i* sums) {
    const __m256i zero = _mm256_setzero_si256();
    const __m256i low = _mm256_unpacklo_epi8(first, second);
    const __m256i high = _mm256_unpackhi_epi8(first, second);
    const __m256i quarters[4] = {_mm256_unpacklo_epi8(low, zero), _mm256_unpackhi_epi8(low, zero),
                                 _mm256_unpacklo_epi8(high, zero), _mm256_unpackhi_epi8(high, zero)};
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) sums[q] = _mm256_add_epi32(sums[q], _mm256_madd_epi16(quarters[q], multipliers));
  }

  const size_t length_;
  const int32_t zero_point_;
  const int32_t shift_;
  const Clamp clamp_;
  int32_t start_;
  std::vector<Pair> pairs_;
};

}  // namespace

std::unique_ptr<Kernel> make_add(const Graph& graph, const Node& node, const Add& operation) {
  return std::make_unique<AddKernel>(graph, node, operation);
}

}  // namespace spikescope::avx2

#endif
