#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>

#include "../../arena.h"
#include "vectors.h"

namespace spikescope::avx2 {
namespace {

/** Sixteen look-ups of sixteen entries each by the lower half of a value; its upper bits then choose, pair by pair. */
class TableKernel final : public Kernel {
 public:
  TableKernel(const Tensor& output, const Table& operation)
      : length_(output.shape.elements()), parts_(allocate_aligned(kParts * 32)) {
    for (size_t part = 0; part < kParts; part++) {
      std::copy_n(operation.table.data() + part * 16, 16, parts_.get() + part * 32);
      std::copy_n(operation.table.data() + part * 16, 16, parts_.get() + part * 32 + 16);
    }
  }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override { look_up(inputs[0], output); }

 private:
  static constexpr size_t kParts = 16;

  SPIKESCOPE_AVX2 void look_up(const uint8_t* input, uint8_t* output) const {
    const uint8_t* const parts = parts_.get();
    const size_t length = length_;
    for (size_t at = 0; at < length; at += 32) {
      store_bytes(output + at, look_up_register(parts, load256(input + at)), length - at);
    }
  }

  SPIKESCOPE_INLINE256 static __m256i look_up_register(const uint8_t* parts, __m256i values) {
    const __m256i lower = _mm256_and_si256(values, _mm256_set1_epi8(15));
    // A blend looks at the top bit of each byte only, so bits that cross from the neighbouring byte do no harm.
    const __m256i bit4 = _mm256_slli_epi16(values, 3);
    const __m256i bit5 = _mm256_slli_epi16(values, 2);
    const __m256i bit6 = _mm256_slli_epi16(values, 1);
    __m256i quarters[4];
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
      const __m256i first = pair(parts + q * 128, lower, bit4);
      const __m256i second = pair(parts + q * 128 + 64, lower, bit4);
      quarters[q] = _mm256_blendv_epi8(first, second, bit5);
    }
    const __m256i low = _mm256_blendv_epi8(quarters[0], quarters[1], bit6);
    const __m256i high = _mm256_blendv_epi8(quarters[2], quarters[3], bit6);
    return _mm256_blendv_epi8(low, high, values);
  }

  SPIKESCOPE_INLINE256 static __m256i pair(const uint8_t* parts, __m256i lower, __m256i bit4) {
    return _mm256_blendv_epi8(_mm256_shuffle_epi8(load256(parts), lower),
                              _mm256_shuffle_epi8(load256(parts + 32), lower), bit4);
  }

  const size_t length_;
  const AlignedMemory parts_;
};

}  // namespace

std::unique_ptr<Kernel> make_table(const Graph&, const Node& node, const Table& operation) {
  return std::make_unique<TableKernel>(node.output, operation);
}

}  // namespace spikescope::avx2

#endif
