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
  void pool(const uint8_t* input, uint8_t* output) const {
    const bool pairs = input_.channels == 32 && output_.width % 2 == 0;
    if (!takes_four() || !(pairs || input_.channels % 64 == 0)) {
      pool_any(input, output);
    } else if (pairs) {
      pool_four<true>(input, output);
    } else {
      pool_four<false>(input, output);
    }
  }

  /** Whether every window has two rows and two columns, side by side. */
  bool takes_four() const {
    return window_.kernel_height == 2 && window_.kernel_width == 2 && window_.stride_height == 2 &&
           window_.stride_width == 2 && window_.padding.none() && 2 * output_.height <= input_.height &&
           2 * output_.width <= input_.width;
  }

  /** 64 channels of one output pixel at a time, or 32 channels of two. */
  template <bool Pairs>
  SPIKESCOPE_AVX512 void pool_four(const uint8_t* input, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    const AverageEntry entry = entries_[3];
    const __m512i start = _mm512_set1_epi16(entry.start);
    const __m128i shift = _mm_cvtsi32_si128(entry.shift);
    const __m512i multiplier = _mm512_set1_epi16(entry.multiplier);
    const auto channels = static_cast<size_t>(input_.channels);
    const size_t row_bytes = static_cast<size_t>(input_.width) * channels;
    const size_t output_row = static_cast<size_t>(output_.width) * channels;
    for (int32_t y = 0; y < output_.height; y++, input += 2 * row_bytes) {
      for (size_t at = 0; at < output_row; at += 64, output += 64) {
        // Registers 64 bytes apart are neighbours: pixels for 64 channels, pairs of pixels for 32.
        const size_t pixel = at / channels;
        const uint8_t* const first = input + (Pairs ? 2 * at : 2 * pixel * channels + at % channels);
        const size_t right = Pairs ? 64 : channels;
        __m512i upper[2] = {_mm512_loadu_si512(first), _mm512_loadu_si512(first + right)};
        __m512i lower[2] = {_mm512_loadu_si512(first + row_bytes), _mm512_loadu_si512(first + row_bytes + right)};
        if constexpr (Pairs) {
          part_pixels(upper);
          part_pixels(lower);
        }
        const __m512i low = _mm512_add_epi16(add_low(upper[0], lower[0]), add_low(upper[1], lower[1]));
        const __m512i high = _mm512_add_epi16(add_high(upper[0], lower[0]), add_high(upper[1], lower[1]));
        const __m512i low_shifted = _mm512_sra_epi16(_mm512_add_epi16(low, start), shift);
        const __m512i high_shifted = _mm512_sra_epi16(_mm512_add_epi16(high, start), shift);
        _mm512_storeu_si512(output, output_bytes(_mm512_mulhrs_epi16(low_shifted, multiplier),
                                           _mm512_mulhrs_epi16(high_shifted, multiplier), parameters));
      }
    }
  }

  /** Pixels 0, 1, 2, 3 become 0, 2 and 1, 3. */
  static SPIKESCOPE_INLINE512 void part_pixels(__m512i* pixels) {
    const __m512i even = _mm512_shuffle_i64x2(pixels[0], pixels[1], 0x44);
    pixels[1] = _mm512_shuffle_i64x2(pixels[0], pixels[1], 0xee);
    pixels[0] = even;
  }

  static SPIKESCOPE_INLINE512 __m512i add_low(__m512i a, __m512i b) {
    return _mm512_maddubs_epi16(_mm512_unpacklo_epi8(a, b), _mm512_set1_epi8(1));
  }

  static SPIKESCOPE_INLINE512 __m512i add_high(__m512i a, __m512i b) {
    return _mm512_maddubs_epi16(_mm512_unpackhi_epi8(a, b), _mm512_set1_epi8(1));
  }

  SPIKESCOPE_AVX512 void pool_any(const uint8_t* input, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    const auto channels = static_cast<size_t>(input_.channels);
    const size_t row_bytes = static_cast<size_t>(input_.width) * channels;
    for (int32_t y = 0; y < output_.height; y++) {
      for (int32_t x = 0; x < output_.width; x++) {
        const PoolWindow window = pool_window_at(input_, window_, y, x);
        const AverageEntry& entry = entries_[static_cast<size_t>(window.rows * window.columns) - 1];
        average(input + window.offset, window.rows, window.columns, row_bytes, entry, parameters, output);
        output += channels;
      }
    }
  }

  SPIKESCOPE_INLINE512 __m512i load(const uint8_t* values) const {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(values)));
  }

  SPIKESCOPE_INLINE512 void put(__m512i sum, const AverageEntry& entry, const OutputStage& parameters, uint8_t* output,
                                size_t count) const {
    const __m512i started = _mm512_add_epi16(sum, _mm512_set1_epi16(entry.start));
    const __m512i shifted = _mm512_sra_epi16(started, _mm_cvtsi32_si128(entry.shift));
    const __m512i scaled = _mm512_mulhrs_epi16(shifted, _mm512_set1_epi16(entry.multiplier));
    store_bytes(output, output_bytes(scaled, parameters), count);
  }

  /** Where the 32 channels after those of `at` start: the last ones overlap rather than being fewer. */
  size_t next(size_t at) const {
    const auto channels = static_cast<size_t>(input_.channels);
    const size_t following = at + 32;
    return following < channels && following + 32 > channels ? channels - 32 : following;
  }

  SPIKESCOPE_AVX512 void average(const uint8_t* first, int32_t rows, int32_t columns, size_t row_bytes,
                                 const AverageEntry& entry, const OutputStage& parameters, uint8_t* output) const {
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
