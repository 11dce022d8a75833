#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <vector>

#include "../average_entries.h"
#include "../pool_windows.h"
#include "vectors.h"

namespace spikescope::avx2 {
namespace {

/** Sixteen channels at a time; the last ones overlap rather than being fewer. */
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
  SPIKESCOPE_AVX2 void pool(const uint8_t* input, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    const auto channels = static_cast<size_t>(input_.channels);
    const size_t row_bytes = static_cast<size_t>(input_.width) * channels;
    for (int32_t y = 0; y < output_.height; y++) {
      for (int32_t x = 0; x < output_.width; x++) {
        const PoolWindow window = pool_window_at(input_, window_, y, x);
        const uint8_t* const first = input + window.offset;
        const AverageEntry& entry = entries_[static_cast<size_t>(window.rows * window.columns) - 1];
        for (size_t c = 0; c < channels; c += 16) {
          const size_t at = std::min(c, channels - 16);
          put(sum_of(first + at, window.rows, window.columns, row_bytes), entry, parameters, output + at);
        }
        output += channels;
      }
    }
  }

  SPIKESCOPE_INLINE256 __m256i sum_of(const uint8_t* values, int32_t rows, int32_t columns, size_t row_bytes) const {
    const auto channels = static_cast<size_t>(input_.channels);
    __m256i sum = _mm256_setzero_si256();
    for (int32_t row = 0; row < rows; row++, values += row_bytes) {
      for (int32_t column = 0; column < columns; column++) {
        sum = _mm256_add_epi16(sum, load_wide(values + static_cast<size_t>(column) * channels));
      }
    }
    return sum;
  }

  SPIKESCOPE_INLINE256 static void put(__m256i sum, const AverageEntry& entry, const OutputStage& parameters,
                                       uint8_t* output) {
    const __m256i started = _mm256_add_epi16(sum, _mm256_set1_epi16(entry.start));
    const __m256i shifted = _mm256_sra_epi16(started, _mm_cvtsi32_si128(entry.shift));
    const __m256i scaled = _mm256_mulhrs_epi16(shifted, _mm256_set1_epi16(entry.multiplier));
    store_bytes(output, output_bytes(scaled, parameters), 16);
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
  if (operation.window.area() > kLargestNarrowArea || node.output.shape.channels < 16) return nullptr;
  return std::make_unique<AveragePoolKernel>(graph.tensor(node.inputs[0]), node.output, operation);
}

}  // namespace spikescope::avx2

#endif
