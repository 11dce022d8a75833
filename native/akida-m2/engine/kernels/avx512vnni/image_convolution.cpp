#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <vector>

#include "../window_matrix.h"
#include "matrix.h"

namespace spikescope::avx512vnni {
namespace {

constexpr int32_t kWords = 7;
constexpr int32_t kPixels = 8;
constexpr int32_t kVectors = 2;

/**
 * 3×3 on three channels, the first layer of most networks. A row of the window is nine bytes: two words of four and a
 * byte. The three single bytes make a word of their own, collected for a whole output row, so that a window takes
 * seven words rather than nine.
 */
class ImageConvolutionKernel final : public Kernel {
 public:
  ImageConvolutionKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : matrix_(input, node.output, operation),
        output_stride_(node.pixel_stride()),
        zero_point_(node.output.zero_point),
        clamp_(operation.clamp),
        weights_(reordered(operation)),
        layer_({weights_.data(), operation.bias.data(), operation.requantisation.multiplier.data(),
                operation.requantisation.shift.data(), node.output.shape.channels, 1, 4 * kWords,
                input.zero_point},
               {16, {kVectors}, 1}) {}

  size_t scratch_bytes() const override { return round_up(matrix_.scratch_bytes()) + word_bytes(); }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    uint8_t* const words = scratch + round_up(matrix_.scratch_bytes());
    const uint8_t* const input = matrix_.prepare(inputs[0], scratch);
    for (int32_t row = 0; row < matrix_.rows(); row++) {
      const uint8_t* const windows = input + matrix_.window_offset(row, 0);
      collect(windows, words);
      uint8_t* const output_row =
          output + static_cast<size_t>(row) * static_cast<size_t>(matrix_.columns()) * output_stride_;
      for (const ChannelBlock& block : layer_.blocks()) run_row(windows, words, output_row, block);
    }
  }

 private:
  /** Room for sixteen words at a time. */
  size_t word_bytes() const { return round_up(static_cast<size_t>(matrix_.columns()) * 4 + 64); }

  /** [channel][words 0 and 1 of each row, then the last byte of each row and zero] */
  static std::vector<int8_t> reordered(const Convolution& operation) {
    std::vector<int8_t> result;
    for (size_t channel = 0; channel < operation.bias.size(); channel++) {
      const int8_t* const kernel = operation.weights.data() + channel * 27;
      for (size_t row = 0; row < 3; row++) result.insert(result.end(), kernel + row * 9, kernel + row * 9 + 8);
      for (size_t row = 0; row < 3; row++) result.push_back(kernel[row * 9 + 8]);
      result.push_back(0);
    }
    return result;
  }

  /** The ninth bytes of the three rows of every window of an output row. */
  SPIKESCOPE_AVX512 void collect(const uint8_t* windows, uint8_t* words) const {
    const std::vector<size_t>& rows = matrix_.run_offsets();
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    // Byte r of lane p comes from byte 3p of row r.
    const __m512i places = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(0x030303));
    for (int32_t column = 0; column < matrix_.columns(); column += 16) {
      const uint8_t* const first = windows + matrix_.window_offset(0, column) + 8;
      __m512i word = _mm512_maskz_permutexvar_epi8(0x1111111111111111, places, _mm512_loadu_si512(first + rows[0]));
      word = _mm512_mask_permutexvar_epi8(word, 0x2222222222222222, places, _mm512_loadu_si512(first + rows[1]));
      word = _mm512_mask_permutexvar_epi8(word, 0x4444444444444444, places, _mm512_loadu_si512(first + rows[2]));
      _mm512_store_si512(words + static_cast<size_t>(column) * 4, word);
    }
  }

  SPIKESCOPE_AVX512 void run_row(const uint8_t* windows, const uint8_t* words, uint8_t* output,
                                 const ChannelBlock block) const {
    const Finish constants = make_finish(zero_point_, clamp_);
    const Finish* const parameters = kept_in_memory(&constants);
    const size_t row1 = matrix_.run_offsets()[1];
    const size_t row2 = matrix_.run_offsets()[2];
    const size_t output_step = output_stride_;
    const int32_t columns = matrix_.columns();
    constexpr Tile<kPixels, kVectors>::PixelNumbers pixels;
    constexpr Tile<kPixels, kVectors>::VectorNumbers vectors;
    constexpr size_t kWordWeights = kVectors * 64;
    for (int32_t column = 0; column < columns; column += kPixels) {
      const auto first = static_cast<size_t>(std::min(column, columns - kPixels));
      const StridedWindows window{windows + first * 3, 3};
      Tile<kPixels, kVectors> tile;
      tile.start(block.bias, pixels, vectors);
      tile.add(window, 0, block.weights, pixels, vectors);
      tile.add(window, 4, block.weights + kWordWeights, pixels, vectors);
      tile.add(window, row1, block.weights + 2 * kWordWeights, pixels, vectors);
      tile.add(window, row1 + 4, block.weights + 3 * kWordWeights, pixels, vectors);
      tile.add(window, row2, block.weights + 4 * kWordWeights, pixels, vectors);
      tile.add(window, row2 + 4, block.weights + 5 * kWordWeights, pixels, vectors);
      tile.add(StridedWindows{words + first * 4, 4}, 0, block.weights + 6 * kWordWeights, pixels, vectors);
      const OutputPixels places{output + first * output_step, output_step};
      store_tile(tile, places, block, *parameters, NothingAfter{});
    }
  }

  const WindowMatrix matrix_;
  const size_t output_stride_;
  const int32_t zero_point_;
  const Clamp clamp_;
  const std::vector<int8_t> weights_;
  const PackedLayer layer_;
};

}  // namespace

std::unique_ptr<Kernel> make_image_convolution(const Graph& graph, const Node& node, const Convolution& operation) {
  const Tensor& input = graph.tensor(node.inputs[0]);
  const Window& window = operation.window;
  if (operation.groups != 1 || input.shape.channels != 3 || window.kernel_height != 3 || window.kernel_width != 3 ||
      window.stride_width != 1 || node.output.shape.width < kPixels) {
    return nullptr;
  }
  return std::make_unique<ImageConvolutionKernel>(input, node, operation);
}

}  // namespace spikescope::avx512vnni

#endif
