#include "kernels.h"

#if SPIKESCOPE_X86

#include <vector>

#include "vectors.h"

namespace spikescope::avx512vnni {
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

  SPIKESCOPE_AVX512 void add(const uint8_t* const* inputs, uint8_t* output) const {
    const Finish parameters = make_finish(zero_point_, clamp_);
    const __m512i zero = _mm512_setzero_si512();
    const __m512i start = _mm512_set1_epi32(start_);
    const __m128i shift = _mm_cvtsi32_si128(shift_);
    for (size_t at = 0; at < length_; at += 64) {
      __m512i sums[4] = {start, start, start, start};
      for (const Pair& pair : pairs_) {
        const __m512i first = _mm512_loadu_si512(inputs[pair.first] + at);
        const __m512i second = _mm512_loadu_si512(inputs[pair.second] + at);
        const __m512i multipliers = _mm512_set1_epi32(pair.multipliers);
        const __m512i low = _mm512_unpacklo_epi8(first, second);
        const __m512i high = _mm512_unpackhi_epi8(first, second);
        sums[0] = _mm512_dpwssd_epi32(sums[0], _mm512_unpacklo_epi8(low, zero), multipliers);
        sums[1] = _mm512_dpwssd_epi32(sums[1], _mm512_unpackhi_epi8(low, zero), multipliers);
        sums[2] = _mm512_dpwssd_epi32(sums[2], _mm512_unpacklo_epi8(high, zero), multipliers);
        sums[3] = _mm512_dpwssd_epi32(sums[3], _mm512_unpackhi_epi8(high, zero), multipliers);
      }
      const __m512i low = _mm512_packs_epi32(_mm512_sra_epi32(sums[0], shift), _mm512_sra_epi32(sums[1], shift));
      const __m512i high = _mm512_packs_epi32(_mm512_sra_epi32(sums[2], shift), _mm512_sra_epi32(sums[3], shift));
      store_bytes(output + at, finish(low, high, parameters), length_ - at);
    }
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

}  // namespace spikescope::avx512vnni

#endif
