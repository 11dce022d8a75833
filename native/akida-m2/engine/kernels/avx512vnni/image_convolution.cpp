#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <array>
#include <vector>

#include "../im2col_view.h"
#include "matrix.h"

namespace spikescope::avx512vnni {
namespace {

constexpr int32_t kPixels = 8;
constexpr int32_t kVectors = 2;
constexpr size_t kWordWeights = kVectors * 64;

/** Columns whose last bytes are collected at once. */
constexpr int32_t kCollected = 16;

/**
 * 3×3 and 7×7 on three channels, the first layer of most networks. A row of the window is words of four bytes and one
 * byte. These single bytes make words of their own, collected for a whole output row, so that a window takes 7 words
 * rather than 9, or 37 rather than 42.
 */
template <int Rows>
class ImageConvolutionKernel final : public Kernel {
 public:
  ImageConvolutionKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : view_(input, node.output, operation),
        output_stride_(node.pixel_stride()),
        zero_point_(node.output.zero_point),
        clamp_(operation.clamp),
        plane_bytes_(round_up((static_cast<size_t>(view_.columns()) + kCollected) * 4)),
        weights_(reordered(operation)),
        layer_({weights_.data(), operation.bias.data(), operation.requantisation.multiplier.data(),
                operation.requantisation.shift.data(), node.output.shape.channels, 1,
                static_cast<int32_t>(4 * (kRows * kRowWords + kCollectedWords)), input.zero_point},
               {16, {kVectors}, 1}) {}

  size_t scratch_bytes() const override { return round_up(view_.scratch_bytes()) + kCollectedWords * plane_bytes_; }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    uint8_t* const words = scratch + round_up(view_.scratch_bytes());
    const uint8_t* const input = view_.prepare(inputs[0], scratch);
    for (int32_t row = 0; row < view_.rows(); row++) {
      const uint8_t* const windows = input + view_.window_offset(row, 0);
      for (size_t word = 0; word < kCollectedWords; word++) collect(windows, 4 * word, words + word * plane_bytes_);
      uint8_t* const output_row =
          output + static_cast<size_t>(row) * static_cast<size_t>(view_.columns()) * output_stride_;
      for (const ChannelBlock& block : layer_.blocks()) run_row(windows, words, output_row, block);
    }
  }

 private:
  static constexpr size_t kRows = Rows;
  /** Whole words of a row of the window. */
  static constexpr size_t kRowWords = 3 * kRows / 4;
  static_assert(3 * kRows % 4 == 1);
  /** Words of single bytes. */
  static constexpr size_t kCollectedWords = (kRows + 3) / 4;

  /** [channel][whole words of each row, then the last byte of each row and zeros] */
  std::vector<int8_t> reordered(const Convolution& operation) const {
    const size_t row_bytes = 4 * kRowWords + 1;
    std::vector<int8_t> result;
    for (size_t channel = 0; channel < operation.bias.size(); channel++) {
      const int8_t* const kernel = operation.weights.data() + channel * kRows * row_bytes;
      for (size_t row = 0; row < kRows; row++) {
        result.insert(result.end(), kernel + row * row_bytes, kernel + (row + 1) * row_bytes - 1);
      }
      for (size_t row = 0; row < 4 * kCollectedWords; row++) {
        result.push_back(row < kRows ? kernel[(row + 1) * row_bytes - 1] : int8_t{0});
      }
    }
    return result;
  }

  /** The last bytes of four rows of every window of an output row, as a word for each window. */
  SPIKESCOPE_AVX512 void collect(const uint8_t* windows, size_t first_row, uint8_t* words) const {
    const size_t rows = std::min<size_t>(4, kRows - first_row);
    const size_t last_byte = 4 * kRowWords;
    const auto step = static_cast<int32_t>(view_.window_offset(0, 1));
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    // Every byte of lane p comes from byte p × step of its row.
    const __m512i places = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(0x01010101 * step));
    for (int32_t column = 0; column < view_.columns(); column += kCollected) {
      const uint8_t* const first = windows + view_.window_offset(0, column) + last_byte;
      __m512i word = _mm512_setzero_si512();
      for (size_t row = 0; row < rows; row++) {
        const uint8_t* const values = first + view_.run_offsets()[first_row + row];
        const __m512i bytes = _mm512_maskz_permutex2var_epi8(
            __mmask64{0x1111111111111111} << row, _mm512_loadu_si512(values), places, _mm512_loadu_si512(values + 64));
        word = _mm512_or_si512(word, bytes);
      }
      _mm512_store_si512(words + static_cast<size_t>(column) * 4, word);
    }
  }

  std::array<size_t, kRows> row_offsets() const {
    std::array<size_t, kRows> offsets;
    std::copy_n(view_.run_offsets().begin(), kRows, offsets.begin());
    return offsets;
  }

  SPIKESCOPE_AVX512 void run_row(const uint8_t* windows, const uint8_t* words, uint8_t* output,
                                 const ChannelBlock block) const {
    const OutputStage constants = make_output_stage(zero_point_, clamp_);
    const OutputStage* const parameters = kept_in_memory(&constants);
    const std::array<size_t, kRows> offsets = row_offsets();
    const size_t window_step = view_.window_offset(0, 1);
    const size_t output_step = output_stride_;
    const size_t plane_bytes = plane_bytes_;
    const int32_t columns = view_.columns();
    constexpr Tile<kPixels, kVectors>::PixelNumbers pixels;
    constexpr Tile<kPixels, kVectors>::VectorNumbers vectors;
    for (int32_t column = 0; column < columns; column += kPixels) {
      const auto first = static_cast<size_t>(std::min(column, columns - kPixels));
      Tile<kPixels, kVectors> tile;
      tile.start(block.bias, pixels, vectors);
      const StridedWindows window{windows + first * window_step, window_step};
      const uint8_t* weights = block.weights;
#pragma GCC unroll 3
      for (size_t row = 0; row < kRows; row++) {
#pragma GCC unroll 5
        for (size_t word = 0; word < kRowWords; word++, weights += kWordWeights) {
          tile.add(window, offsets[row] + 4 * word, weights, pixels, vectors);
        }
      }
#pragma GCC unroll 2
      for (size_t word = 0; word < kCollectedWords; word++, weights += kWordWeights) {
        tile.add(StridedWindows{words + word * plane_bytes + first * 4, 4}, 0, weights, pixels, vectors);
      }
      const OutputPixels places{output + first * output_step, output_step};
      store_tile(tile, places, block, *parameters, NothingAfter{});
    }
  }

  const Im2colView view_;
  const size_t output_stride_;
  const int32_t zero_point_;
  const Clamp clamp_;
  /** Of a word of single bytes for every window of an output row. */
  const size_t plane_bytes_;
  const std::vector<int8_t> weights_;
  const PackedLayer layer_;
};

}  // namespace

std::unique_ptr<Kernel> make_image_convolution(const Graph& graph, const Node& node, const Convolution& operation) {
  const Tensor& input = graph.tensor(node.inputs[0]);
  const Window& window = operation.window;
  const bool known = window.kernel_height == window.kernel_width && (window.area() == 9 || window.area() == 49);
  // Sixteen windows that are further apart do not lie in two registers.
  if (operation.groups != 1 || input.shape.channels != 3 || !known || window.stride_width > 2 ||
      node.output.shape.width < kPixels) {
    return nullptr;
  }
  if (window.kernel_height == 3) return std::make_unique<ImageConvolutionKernel<3>>(input, node, operation);
  return std::make_unique<ImageConvolutionKernel<7>>(input, node, operation);
}

}  // namespace spikescope::avx512vnni

#endif
