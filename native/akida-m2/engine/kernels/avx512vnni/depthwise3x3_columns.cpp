#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <array>
#include <vector>

#include "../depthwise_windows.h"
#include "../layer_rows.h"
#include "depthwise_set.h"

namespace spikescope::avx512vnni {
namespace {

constexpr size_t kBlock = 64;

/** Three rows of the image; null for those in the border. */
using Rows = std::array<const uint8_t*, 3>;

using Column = __m512i[kPlanes];

/** The columns of three rows, those in the border included. */
class Columns {
 public:
  Columns(const Rows& rows, const uint8_t* border, size_t channels, size_t first, int32_t width)
      : border_(border + first), width_(width) {
    // A row in the border is one pixel that stays where it is.
    for (size_t row = 0; row < rows.size(); row++) {
      rows_[row] = rows[row] == nullptr ? border_ : rows[row] + first;
      steps_[row] = rows[row] == nullptr ? 0 : channels;
    }
  }

  SPIKESCOPE_INLINE512 void load(int32_t column, Column& planes) const {
    interleave(load_row(0, column), load_row(1, column), load_row(2, column), _mm512_setzero_si512(), planes);
  }

 private:
  SPIKESCOPE_INLINE512 __m512i load_row(size_t row, int32_t column) const {
    const bool inside = column >= 0 && column < width_;
    return _mm512_loadu_si512(inside ? rows_[row] + static_cast<size_t>(column) * steps_[row] : border_);
  }

  const uint8_t* const border_;
  const int32_t width_;
  std::array<const uint8_t*, 3> rows_;
  std::array<size_t, 3> steps_;
};

/**
 * Depthwise 3×3 with stride 1 or 2, 64 channels at a time. Three input rows are interleaved in registers, so that one dot
 * product covers a column of the kernel; from one output pixel to the next, columns that both need stay where they are.
 */
template <int Stride>
class DepthwiseColumnsKernel final : public Kernel {
 public:
  DepthwiseColumnsKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : input_(input.shape),
        output_(node.output.shape),
        window_(operation.window),
        channels_(static_cast<size_t>(input.shape.channels)),
        zero_point_(node.output.zero_point),
        clamp_(operation.clamp),
        output_stride_(node.pixel_stride()),
        border_(operation.padding_values) {
    // The last block overlaps the one before it rather than being narrower.
    for (size_t first = 0; first < channels_; first += kBlock) starts_.push_back(std::min(first, channels_ - kBlock));
    memory_ = allocate_aligned(starts_.size() * kSetBytes);
    const LayerRows layer = rows_of_depthwise(operation, input.zero_point);
    for (size_t block = 0; block < starts_.size(); block++) {
      const size_t first = starts_[block];
      pack_set(layer, {first, first + 16, first + 32, first + 48}, 0, memory_.get() + block * kSetBytes);
    }
  }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    const size_t row_bytes = static_cast<size_t>(output_.width) * output_stride_;
    for (int32_t y = 0; y < output_.height; y++, output += row_bytes) {
      for (size_t block = 0; block < starts_.size(); block++) {
        convolve_row(rows_at(inputs[0], y), starts_[block], memory_.get() + block * kSetBytes, output);
      }
    }
  }

 private:
  Rows rows_at(const uint8_t* input, int32_t y) const {
    Rows rows{};
    for (int32_t ky = 0; ky < 3; ky++) {
      const int32_t row = y * window_.stride_height - window_.padding.top + ky;
      if (row < 0 || row >= input_.height) continue;
      rows[static_cast<size_t>(ky)] =
          input + static_cast<size_t>(row) * static_cast<size_t>(input_.width) * channels_;
    }
    return rows;
  }

  SPIKESCOPE_AVX512 void convolve_row(const Rows& image, size_t first, const uint8_t* packed, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    const Columns columns(image, border_.data(), channels_, first, input_.width);
    const size_t output_step = output_stride_;
    const int32_t width = output_.width;
    DepthwiseSet set;
    set.load(packed);
    int32_t column = -window_.padding.left;
    Column left;
    Column middle;
    Column right;
    columns.load(column, left);
    if constexpr (Stride == 1) columns.load(column + 1, middle);
    output += first;
    for (int32_t x = 0; x < width; x++, column += Stride, output += output_step) {
      if constexpr (Stride != 1) columns.load(column + 1, middle);
      columns.load(column + 2, right);
      __m512i sums[kPlanes];
#pragma GCC unroll 4
      for (size_t q = 0; q < kPlanes; q++) {
        sums[q] = set.bias[q];
        accumulate(sums[q], left[q], set.weights[0][q]);
        accumulate(sums[q], middle[q], set.weights[1][q]);
        accumulate(sums[q], right[q], set.weights[2][q]);
        left[q] = Stride == 1 ? middle[q] : right[q];
        if constexpr (Stride == 1) middle[q] = right[q];
      }
      _mm512_storeu_si512(output, set.requantise(sums, parameters));
    }
  }

  const Shape input_;
  const Shape output_;
  const Window window_;
  const size_t channels_;
  const int32_t zero_point_;
  const Clamp clamp_;
  const size_t output_stride_;
  const std::vector<uint8_t> border_;
  std::vector<size_t> starts_;
  AlignedMemory memory_;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise3x3_columns(const Graph& graph, const Node& node, const Convolution& operation) {
  const Tensor& input = graph.tensor(node.inputs[0]);
  const Window& window = operation.window;
  if (!is_depthwise(input, node, operation) || window.kernel_height != 3 || window.kernel_width != 3 ||
      static_cast<size_t>(input.shape.channels) < kBlock) {
    return nullptr;
  }
  switch (window.stride_width) {
    case 1:
      return std::make_unique<DepthwiseColumnsKernel<1>>(input, node, operation);
    case 2:
      return std::make_unique<DepthwiseColumnsKernel<2>>(input, node, operation);
    default:
      return nullptr;
  }
}

}  // namespace spikescope::avx512vnni

#endif
