#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>

#include "../packed_layer.h"
#include "vectors.h"

namespace spikescope::avx2 {
namespace {

/** Bytes of a row that meet at once; what is read past its end stays within the slack of every tensor. */
constexpr size_t kPiece = 128;
static_assert(kPiece <= kReadableSlack);

SPIKESCOPE_INLINE256 __m256i larger(__m256i a, __m256i b) { return _mm256_max_epu8(a, b); }
SPIKESCOPE_INLINE256 __m128i larger(__m128i a, __m128i b) { return _mm_max_epu8(a, b); }
SPIKESCOPE_INLINE256 void load(const uint8_t* values, __m256i& result) { result = load256(values); }
SPIKESCOPE_INLINE256 void load(const uint8_t* values, __m128i& result) { result = load128(values); }

/**
 * First the largest of every column of the image under a row of windows, which takes no account of where windows begin;
 * then the largest of the columns of each window.
 */
class MaxPoolKernel final : public Kernel {
 public:
  MaxPoolKernel(const Tensor& input, const Tensor& output, const MaxPool& operation)
      : input_(input.shape),
        output_(output.shape),
        window_(operation.window),
        channels_(static_cast<size_t>(input_.channels)),
        row_(static_cast<size_t>(input_.width) * channels_) {}

  size_t scratch_bytes() const override { return (row_ / kPiece + 1) * kPiece + sizeof(__m256i); }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    for (int32_t y = 0; y < output_.height; y++) {
      const int32_t row = y * window_.stride_height - window_.padding.top;
      const int32_t top = std::max(row, 0);
      const int32_t rows = std::min(row + window_.kernel_height, input_.height) - top;
      reduce_rows(inputs[0] + static_cast<size_t>(top) * row_, rows, scratch);
      if (channels_ >= sizeof(__m256i)) {
        reduce_columns<__m256i>(scratch, output);
      } else {
        reduce_columns<__m128i>(scratch, output);
      }
      output += static_cast<size_t>(output_.width) * channels_;
    }
  }

 private:
  SPIKESCOPE_AVX2 void reduce_rows(const uint8_t* first, int32_t rows, uint8_t* largest) const {
    const size_t length = row_;
    for (size_t at = 0; at < length; at += kPiece) {
      const uint8_t* values = first + at;
      __m256i piece[4] = {load256(values), load256(values + 32), load256(values + 64), load256(values + 96)};
      for (int32_t row = 1; row < rows; row++) {
        values += length;
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; i++) piece[i] = larger(piece[i], load256(values + i * 32));
      }
#pragma GCC unroll 4
      for (size_t i = 0; i < 4; i++) _mm256_store_si256(reinterpret_cast<__m256i*>(largest + at) + i, piece[i]);
    }
  }

  /** As many channels at a time as `Vector` holds; the last ones overlap rather than being fewer. */
  template <typename Vector>
  SPIKESCOPE_AVX2 void reduce_columns(const uint8_t* row, uint8_t* output) const {
    constexpr size_t kBlock = sizeof(Vector);
    const size_t channels = channels_;
    const size_t last = channels >= kBlock ? channels - kBlock : 0;
    const int32_t columns = output_.width;
    for (int32_t x = 0; x < columns; x++, output += channels) {
      const int32_t column = x * window_.stride_width - window_.padding.left;
      const int32_t left = std::max(column, 0);
      const int32_t count = std::min(column + window_.kernel_width, input_.width) - left;
      const uint8_t* const pixel = row + static_cast<size_t>(left) * channels;
      for (size_t c = 0; c < channels; c += kBlock) {
        const uint8_t* values = pixel + std::min(c, last);
        Vector largest;
        load(values, largest);
        for (int32_t i = 1; i < count; i++) {
          values += channels;
          Vector next;
          load(values, next);
          largest = larger(largest, next);
        }
        store_bytes(output + std::min(c, last), largest, channels);
      }
    }
  }

  const Shape input_;
  const Shape output_;
  const Window window_;
  const size_t channels_;
  const size_t row_;
};

}  // namespace

std::unique_ptr<Kernel> make_max_pool(const Graph& graph, const Node& node, const MaxPool& operation) {
  return std::make_unique<MaxPoolKernel>(graph.tensor(node.inputs[0]), node.output, operation);
}

}  // namespace spikescope::avx2

#endif
