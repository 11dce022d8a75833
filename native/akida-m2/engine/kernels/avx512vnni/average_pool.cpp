#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <vector>

#include "../average_entries.h"
#include "../pool_windows.h"
#include "vectors.h"

namespace spikescope::avx512vnni {
namespace {

class AveragePoolKernel final : public Kernel {
 public:
  AveragePoolKernel(const Tensor& input, const Tensor& output, const AveragePool& operation)
      : input_(input.shape),
        output_(output.shape),
        window_(operation.window),
        zero_point_(output.zero_point),
        clamp_(operation.clamp),
        entries_(average_entries(window_.area(), input.zero_point, operation.requantisation)) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override { pool(inputs[0], output); }

 private:
  SPIKESCOPE_AVX512 void pool(const uint8_t* input, uint8_t* output) const {
    const Finish parameters = make_finish(zero_point_, clamp_);
    const auto channels = static_cast<size_t>(input_.channels);
    const size_t row_bytes = static_cast<size_t>(input_.width) * channels;
    for (int32_t y = 0; y < output_.height; y++) {
      for (int32_t x = 0; x < output_.width; x++) {
        const PoolWindow window = pool_window_at(input_, window_, y, x);
        const uint8_t* const first = input + window.offset;
        const AverageEntry& entry = entries_[static_cast<size_t>(window.rows * window.columns) - 1];
        if (window.rows == 2 && window.columns == 2) {
          average_four(first, row_bytes, entry, parameters, output);
        } else {
          average(first, window.rows, window.columns, row_bytes, entry, parameters, output);
        }
        output += channels;
      }
    }
  }

  SPIKESCOPE_INLINE512 __m512i load(const uint8_t* values) const {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(values)));
  }

  SPIKESCOPE_INLINE512 void put(__m512i sum, const AverageEntry& entry, const Finish& parameters, uint8_t* output,
                                size_t count) const {
    const __m512i started = _mm512_add_epi16(sum, _mm512_set1_epi16(entry.start));
    const __m512i shifted = _mm512_sra_epi16(started, _mm_cvtsi32_si128(entry.shift));
    const __m512i scaled = _mm512_mulhrs_epi16(shifted, _mm512_set1_epi16(entry.multiplier));
    store_bytes(output, finish(scaled, parameters), count);
  }

  /** Where the 32 channels after those of `at` start: the last ones overlap rather than being fewer. */
  size_t next(size_t at) const {
    const auto channels = static_cast<size_t>(input_.channels);
    const size_t following = at + 32;
    return following < channels && following + 32 > channels ? channels - 32 : following;
  }

  SPIKESCOPE_INLINE512 void average_four(const uint8_t* first, size_t row_bytes, const AverageEntry& entry,
                                         const Finish& parameters, uint8_t* output) const {
    const auto channels = static_cast<size_t>(input_.channels);
    for (size_t c = 0; c < channels; c = next(c)) {
      const uint8_t* const upper = first + c;
      const uint8_t* const lower = upper + row_bytes;
      const __m512i sum = _mm512_add_epi16(_mm512_add_epi16(load(upper), load(upper + channels)),
                                           _mm512_add_epi16(load(lower), load(lower + channels)));
      put(sum, entry, parameters, output + c, channels - c);
    }
  }

  SPIKESCOPE_AVX512 void average(const uint8_t* first, int32_t rows, int32_t columns, size_t row_bytes,
                                 const AverageEntry& entry, const Finish& parameters, uint8_t* output) const {
    const auto channels = static_cast<size_t>(input_.channels);
    for (size_t c = 0; c < channels; c = next(c)) {
      __m512i sum = _mm512_setzero_si512();
      for (int32_t row = 0; row < rows; row++) {
        const uint8_t* values = first + c + static_cast<size_t>(row) * row_bytes;
        for (int32_t column = 0; column < columns; column++, values += channels) {
          sum = _mm512_add_epi16(sum, load(values));
        }
      }
      put(sum, entry, parameters, output + c, channels - c);
    }
  }

  const Shape input_;
  const Shape output_;
  const Window window_;
  const int32_t zero_point_;
  const Clamp clamp_;
  const std::vector<AverageEntry> entries_;
};

}  // namespace

std::unique_ptr<Kernel> make_average_pool(const Graph& graph, const Node& node, const AveragePool& operation) {
  if (operation.window.area() > kLargestNarrowArea) return nullptr;
  return std::make_unique<AveragePoolKernel>(graph.tensor(node.inputs[0]), node.output, operation);
}

}  // namespace spikescope::avx512vnni

#endif
