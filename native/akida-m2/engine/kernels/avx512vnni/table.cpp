#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>

#include "../../arena.h"
#include "vectors.h"

namespace spikescope::avx512vnni {
namespace {

/** The whole table lies in four registers; two look-ups of 128 entries each, and the top bit chooses. */
class TableKernel final : public Kernel {
 public:
  TableKernel(const Tensor& output, const Table& operation)
      : length_(output.shape.elements()), table_(allocate_aligned(256)) {
    std::copy_n(operation.table.data(), 256, table_.get());
  }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override { look_up(inputs[0], output); }

 private:
  SPIKESCOPE_AVX512 void look_up(const uint8_t* input, uint8_t* output) const {
    const __m512i quarter0 = _mm512_load_si512(table_.get());
    const __m512i quarter1 = _mm512_load_si512(table_.get() + 64);
    const __m512i quarter2 = _mm512_load_si512(table_.get() + 128);
    const __m512i quarter3 = _mm512_load_si512(table_.get() + 192);
    for (size_t at = 0; at < length_; at += 64) {
      const __m512i values = _mm512_loadu_si512(input + at);
      const __m512i low = _mm512_permutex2var_epi8(quarter0, values, quarter1);
      const __m512i high = _mm512_permutex2var_epi8(quarter2, values, quarter3);
      store_bytes(output + at, _mm512_mask_blend_epi8(_mm512_movepi8_mask(values), low, high), length_ - at);
    }
  }

  const size_t length_;
  const AlignedMemory table_;
};

}  // namespace

std::unique_ptr<Kernel> make_table(const Graph&, const Node& node, const Table& operation) {
  return std::make_unique<TableKernel>(node.output, operation);
}

}  // namespace spikescope::avx512vnni

#endif
