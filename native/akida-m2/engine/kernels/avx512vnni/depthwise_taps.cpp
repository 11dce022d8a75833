#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <vector>

#include "../depthwise_windows.h"
#include "../layer_rows.h"
#include "depthwise_set.h"

namespace spikescope::avx512vnni {
namespace {

constexpr size_t kBlock = 64;
/** Of which one dot product takes a channel's values. */
constexpr size_t kTaps = 4;
/** Below that, most of a block would be nobody's, and sixteen channels at a time, tap by tap, are faster. */
constexpr size_t kLeastChannels = 33;

/** Any window and stride, 64 channels and four taps at a time: the values of four taps are interleaved in registers. */
class DepthwiseTapsKernel final : public Kernel {
 public:
  DepthwiseTapsKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : windows_(input, node, operation, kBlock),
        zero_point_(node.output.zero_point),
        clamp_(operation.clamp),
        output_stride_(node.pixel_stride()),
        taps_(windows_.taps()) {
    // What is missing of the last four is read again, at weight zero.
    while (taps_.size() % kTaps != 0) taps_.push_back(taps_.back());
    pack(input, operation);
  }

  size_t scratch_bytes() const override { return windows_.scratch_bytes(); }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    const uint8_t* const image = windows_.prepare(inputs[0], scratch);
    const size_t row_bytes = static_cast<size_t>(windows_.output().width) * output_stride_;
    for (int32_t y = 0; y < windows_.output().height; y++, output += row_bytes) {
      for (size_t block = 0; block < windows_.starts().size(); block++) {
        const size_t first = windows_.starts()[block];
        convolve_row(image + windows_.offset(y, 0) + first, memory_.get() + block * block_bytes_, output + first);
      }
    }
  }

 private:
  /** Per block: the stage, then one register for each plane of each four taps. */
  void pack(const Tensor& input, const Convolution& operation) {
    const size_t area = windows_.taps().size();
    block_bytes_ = DepthwiseStage::kBytes + taps_.size() / kTaps * kPlanes * 64;
    memory_ = allocate_aligned(block_bytes_ * windows_.starts().size());
    const LayerRows layer = rows_of_depthwise(operation, input.zero_point);
    for (size_t block = 0; block < windows_.starts().size(); block++) {
      uint8_t* const memory = memory_.get() + block * block_bytes_;
      const size_t first = windows_.starts()[block];
      const Sixteens sixteens = {first, first + 16, first + 32, first + 48};
      DepthwiseStage::pack(layer, sixteens, memory);
      for (size_t tap = 0; tap < area; tap++) {
        uint8_t* const words = memory + DepthwiseStage::kBytes + tap / kTaps * kPlanes * 64 + tap % kTaps;
        for (size_t word = 0; word < kPlanes * 16; word++) {
          const size_t channel = channel_of(sixteens, word / 16, word % 16);
          if (channel < windows_.channels()) words[word * 4] = static_cast<uint8_t>(layer.weights[channel * area + tap]);
        }
      }
    }
  }

  SPIKESCOPE_AVX512 void convolve_row(const uint8_t* window, const uint8_t* packed, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(zero_point_, clamp_);
    const size_t count = std::min(kBlock, windows_.channels());
    const size_t step = windows_.offset(0, 1);
    // By value: the stores of bytes below might change anything that is read through `this`.
    const size_t* const taps = taps_.data();
    const size_t length = taps_.size();
    const size_t output_step = output_stride_;
    DepthwiseStage stage;
    stage.load(packed);
    for (int32_t left = windows_.output().width; left > 0; left--, window += step, output += output_step) {
      __m512i sums[kPlanes];
#pragma GCC unroll 4
      for (size_t q = 0; q < kPlanes; q++) sums[q] = stage.bias[q];
      const uint8_t* weights = packed + DepthwiseStage::kBytes;
      for (size_t tap = 0; tap < length; tap += kTaps, weights += kPlanes * 64) {
        __m512i values[kPlanes];
        interleave(_mm512_loadu_si512(window + taps[tap]), _mm512_loadu_si512(window + taps[tap + 1]),
                   _mm512_loadu_si512(window + taps[tap + 2]), _mm512_loadu_si512(window + taps[tap + 3]), values);
#pragma GCC unroll 4
        for (size_t q = 0; q < kPlanes; q++) accumulate(sums[q], values[q], _mm512_load_si512(weights + q * 64));
      }
      store_bytes(output, stage.requantise(sums, parameters), count);
    }
  }

  const DepthwiseWindows windows_;
  const int32_t zero_point_;
  const Clamp clamp_;
  const size_t output_stride_;
  std::vector<size_t> taps_;
  size_t block_bytes_ = 0;
  AlignedMemory memory_;
};

}  // namespace

std::unique_ptr<Kernel> make_depthwise_taps(const Graph& graph, const Node& node, const Convolution& operation) {
  const Tensor& input = graph.tensor(node.inputs[0]);
  if (!is_depthwise(input, node, operation) || static_cast<size_t>(input.shape.channels) < kLeastChannels) return nullptr;
  return std::make_unique<DepthwiseTapsKernel>(input, node, operation);
}

}  // namespace spikescope::avx512vnni

#endif
