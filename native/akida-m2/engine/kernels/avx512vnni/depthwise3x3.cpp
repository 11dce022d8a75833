#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <vector>

#include "../depthwise_windows.h"
#include "../layer_rows.h"
#include "depthwise_set.h"

namespace spikescope::avx512vnni {
namespace {

/**
 * Depthwise 3×3 with stride 1, two output rows at a time.
 *
 * The four input rows that two output rows need are interleaved, so that each 32-bit lane holds the four values of
 * one channel above each other: one dot product then covers a column of the kernel. The upper output row uses the
 * weights (w0, w1, w2, 0), the lower one (0, w0, w1, w2). The interleaved values lie in four planes, in which
 * one pixel is as long as in the tensor, so that the next column of the kernel is one pixel further on.
 */
class Depthwise3x3Kernel final : public Kernel {
 public:
  Depthwise3x3Kernel(const Tensor& input, const Tensor& output, const Convolution& operation)
      : input_(input.shape),
        output_(output.shape),
        padding_(operation.window.padding),
        channels_(static_cast<size_t>(input.shape.channels)),
        zero_point_(output.zero_point),
        clamp_(operation.clamp) {
    const auto padded_width = static_cast<size_t>(input_.width + padding_.left + padding_.right);
    plane_bytes_ = round_up(padded_width * channels_ + 2 * 64);
    border_row_.reserve(static_cast<size_t>(input_.width) * channels_ + 64);
    for (int32_t x = 0; x < input_.width; x++) {
      border_row_.insert(border_row_.end(), operation.padding_values.begin(), operation.padding_values.end());
    }
    border_row_.resize(border_row_.size() + 64);
    for (size_t plane = 0; plane < kPlanes; plane++) {
      for (size_t byte = 0; byte < channels_; byte++) {
        border_pixel_[plane].push_back(operation.padding_values[byte / 16 * 16 + 4 * plane + byte % 16 / 4]);
      }
    }
    pack(input, operation);
  }

  size_t scratch_bytes() const override { return kPlanes * plane_bytes_; }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* planes) const override {
    const size_t output_row = static_cast<size_t>(output_.width) * channels_;
    fill_border(planes, 0, padding_.left);
    for (int32_t y = 0; y < output_.height; y += 2) {
      const std::array<const uint8_t*, 4> rows = {row_at(inputs[0], y), row_at(inputs[0], y + 1),
                                                  row_at(inputs[0], y + 2), row_at(inputs[0], y + 3)};
      interleave(rows, planes);
      fill_border(planes, input_.width + padding_.left, padding_.right);
      const int32_t count = std::min(2, output_.height - y);
      for (int32_t row = 0; row < count; row++, output += output_row) {
        for (size_t phase = 0; phase < phases_; phase++) {
          convolve(planes, memory_.get() + (static_cast<size_t>(row) * phases_ + phase) * kSetBytes, phase, output);
        }
      }
    }
  }

 private:
  /** Row of the padded input; border rows and rows below it are all border. */
  const uint8_t* row_at(const uint8_t* input, int32_t padded_row) const {
    const int32_t row = padded_row - padding_.top;
    if (row < 0 || row >= input_.height) return border_row_.data();
    return input + static_cast<size_t>(row) * static_cast<size_t>(input_.width) * channels_;
  }

  void fill_border(uint8_t* planes, int32_t first_pixel, int32_t pixels) const {
    for (size_t plane = 0; plane < kPlanes; plane++) {
      uint8_t* place = planes + plane * plane_bytes_ + static_cast<size_t>(first_pixel) * channels_;
      for (int32_t pixel = 0; pixel < pixels; pixel++, place += channels_) {
        std::memcpy(place, border_pixel_[plane].data(), channels_);
      }
    }
  }

  /** Writes whole registers; what goes beyond the row is border, filled afterwards, or slack. */
  SPIKESCOPE_AVX512 void interleave(const std::array<const uint8_t*, 4>& rows, uint8_t* planes) const {
    const size_t length = static_cast<size_t>(input_.width) * channels_;
    uint8_t* const first = planes + static_cast<size_t>(padding_.left) * channels_;
    for (size_t at = 0; at < length; at += 64) {
      __m512i interleaved[kPlanes];
      avx512vnni::interleave(_mm512_loadu_si512(rows[0] + at), _mm512_loadu_si512(rows[1] + at),
                             _mm512_loadu_si512(rows[2] + at), _mm512_loadu_si512(rows[3] + at), interleaved);
#pragma GCC unroll 4
      for (size_t q = 0; q < kPlanes; q++) _mm512_storeu_si512(first + at + q * plane_bytes_, interleaved[q]);
    }
  }

  /** One output row, every `phases_`th register of it: those whose channels are the same. */
  SPIKESCOPE_AVX512 void convolve(const uint8_t* planes, const uint8_t* set, size_t phase, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    const size_t length = static_cast<size_t>(output_.width) * channels_;
    const size_t whole = length / 64 * 64;
    // By value: the stores of bytes below might change anything that is read through `this`.
    const size_t step = phases_ * 64;
    const size_t pixel = channels_;
    const size_t plane = plane_bytes_;
    DepthwiseSet row;
    row.load(set);
    size_t at = phase * 64;
    for (; at < whole; at += step) {
      _mm512_storeu_si512(output + at, convolve(row, planes + at, plane, pixel, parameters));
    }
    if (at < length) store_bytes(output + at, convolve(row, planes + at, plane, pixel, parameters), length - at);
  }

  static SPIKESCOPE_INLINE512 __m512i convolve(const DepthwiseSet& set, const uint8_t* values, size_t plane,
                                               size_t pixel, const OutputStage& parameters) {
    __m512i sums[kPlanes];
#pragma GCC unroll 4
    for (size_t q = 0; q < kPlanes; q++) sums[q] = set.bias[q];
#pragma GCC unroll 3
    for (size_t kx = 0; kx < 3; kx++) {
#pragma GCC unroll 4
      for (size_t q = 0; q < kPlanes; q++) {
        accumulate(sums[q], _mm512_loadu_si512(values + q * plane + kx * pixel), set.weights[kx][q]);
      }
    }
    return set.requantise(sums, parameters);
  }

  void pack(const Tensor& input, const Convolution& operation) {
    const size_t sixteens = channels_ / 16;
    phases_ = sixteens / std::gcd<size_t>(sixteens, 4);
    memory_ = allocate_aligned(2 * phases_ * kSetBytes);
    const LayerRows layer = rows_of_depthwise(operation, input.zero_point);
    for (size_t row = 0; row < 2; row++) {
      for (size_t phase = 0; phase < phases_; phase++) {
        std::array<size_t, 4> lanes;
        for (size_t lane = 0; lane < 4; lane++) lanes[lane] = (phase * 4 + lane) % sixteens * 16;
        pack_set(layer, lanes, row, memory_.get() + (row * phases_ + phase) * kSetBytes);
      }
    }
  }

  const Shape input_;
  const Shape output_;
  const Padding padding_;
  const size_t channels_;
  const int32_t zero_point_;
  const Clamp clamp_;
  size_t plane_bytes_ = 0;
  size_t phases_ = 1;
  std::vector<uint8_t> border_row_;
  std::array<std::vector<uint8_t>, kPlanes> border_pixel_;
  AlignedMemory memory_;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise3x3(const Graph& graph, const Node& node, const Convolution& operation) {
  const Tensor& input = graph.tensor(node.inputs[0]);
  if (!is_unstrided_depthwise3x3(input, node, operation) || node.output.shape.channels % 16 != 0 ||
      node.output_stride != 0) {
    return nullptr;
  }
  return std::make_unique<Depthwise3x3Kernel>(input, node.output, operation);
}

}  // namespace spikescope::avx512vnni

#endif
