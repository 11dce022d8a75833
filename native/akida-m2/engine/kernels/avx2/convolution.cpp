#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>
#include <vector>

#include "../pixel_cursor.h"
#include "matrix.h"

namespace spikescope::avx2 {
namespace {

/** Pixels of a tile: twelve registers of sums, two of weights, one of values. */
constexpr int kPixels = 6;
/** Bytes of windows that stay in the first-level cache beside the weights of a block; and in the second-level cache. */
constexpr size_t kFirstLevelBytes = 16384;
constexpr size_t kSecondLevelBytes = 131072;

/**
 * Windows are widened to 16 bits, as many as fit in the first-level cache, and meet all channels there. Weights that do not
 * fit beside them are read anew for every panel of windows: then the panel is larger.
 */
class ConvolutionKernel final : public Kernel {
 public:
  ConvolutionKernel(const Tensor& input, const Node& node, const Convolution& operation)
      : view_(input, node.output, operation),
        zero_point_(node.output.zero_point),
        clamp_(operation.clamp),
        output_stride_(node.pixel_stride()) {
    for (int32_t group = 0; group < view_.groups(); group++) {
      layers_.emplace_back(view_.layer_of(group, operation, input.zero_point), packed_form());
    }
    words_ = view_.run_offsets().size() * static_cast<size_t>(layers_[0].steps());
    const size_t weights = words_ * 4 * static_cast<size_t>(view_.group_outputs());
    const size_t cached = weights <= kFirstLevelBytes ? kFirstLevelBytes : kSecondLevelBytes;
    const size_t fitting = cached / (words_ * 4) / kPixels * kPixels;
    const auto all = static_cast<size_t>(view_.rows()) * static_cast<size_t>(view_.columns());
    panel_pixels_ = std::min(all, std::max<size_t>(kPixels, fitting));
  }

  size_t scratch_bytes() const override {
    const size_t outputs = panel_pixels_ * sizeof(uint8_t*);
    return panel_offset() + panel_pixels_ * words_ * 4 + kWidenSlack + outputs;
  }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    const uint8_t* const input = view_.prepare(inputs[0], scratch);
    auto* const outputs = reinterpret_cast<uint8_t**>(scratch + panel_offset());
    auto* const panel = reinterpret_cast<int16_t*>(outputs + panel_pixels_);
    for (size_t group = 0; group < layers_.size(); group++) {
      PixelCursor cursor(view_, input + group * static_cast<size_t>(view_.group_inputs()),
                         output + group * static_cast<size_t>(view_.group_outputs()), output_stride_);
      const auto pixels = static_cast<size_t>(view_.rows()) * static_cast<size_t>(view_.columns());
      for (size_t done = 0; done < pixels; done += panel_pixels_) {
        const size_t count = std::min(panel_pixels_, pixels - done);
        fill_panel(cursor, count, layers_[group].steps(), panel, outputs);
        multiply_panel(layers_[group], count, panel, outputs);
      }
    }
  }

 private:
  size_t panel_offset() const { return round_up(view_.scratch_bytes()); }

  SPIKESCOPE_AVX2 void fill_panel(PixelCursor& cursor, size_t count, int32_t steps, int16_t* panel,
                                  uint8_t** outputs) const {
    for (size_t pixel = 0; pixel < count; pixel++) {
      const uint8_t* const window = cursor.window();
      for (const size_t offset : view_.run_offsets()) {
        widen(window + offset, static_cast<size_t>(view_.run_length()), panel);
        panel += 2 * steps;
      }
      outputs[pixel] = cursor.output();
      cursor.advance();
    }
  }

  SPIKESCOPE_AVX2 void multiply_panel(const PackedLayer& layer, size_t count, const int16_t* panel,
                                      uint8_t* const* outputs) const {
    const OutputStage constants = make_output_stage(zero_point_, clamp_);
    const OutputStage& parameters = *kept_in_memory(&constants);
    for (const ChannelBlock& block : layer.blocks()) {
      if (block.vectors == 2) {
        multiply_block<2>(block, count, panel, outputs, parameters);
      } else {
        multiply_block<1>(block, count, panel, outputs, parameters);
      }
    }
  }

  template <int Vectors>
  SPIKESCOPE_INLINE256 void multiply_block(const ChannelBlock& block, size_t count, const int16_t* rows,
                                           uint8_t* const* outputs, const OutputStage& parameters) const {
    const size_t stride = words_ * 2;
    for (; count >= kPixels; count -= kPixels, rows += kPixels * stride, outputs += kPixels) {
      multiply_pixels<kPixels, Vectors>(rows, stride, words_, outputs, block, parameters);
    }
    switch (count) {
      case 1:
        return multiply_pixels<1, Vectors>(rows, stride, words_, outputs, block, parameters);
      case 2:
        return multiply_pixels<2, Vectors>(rows, stride, words_, outputs, block, parameters);
      case 3:
        return multiply_pixels<3, Vectors>(rows, stride, words_, outputs, block, parameters);
      case 4:
        return multiply_pixels<4, Vectors>(rows, stride, words_, outputs, block, parameters);
      case 5:
        return multiply_pixels<5, Vectors>(rows, stride, words_, outputs, block, parameters);
      default:
        return;
    }
  }

  const Im2colView view_;
  const int32_t zero_point_;
  const Clamp clamp_;
  const size_t output_stride_;
  std::vector<PackedLayer> layers_;
  size_t words_;
  size_t panel_pixels_;
};

}  // namespace

std::unique_ptr<Kernel> make_convolution(const Graph& graph, const Node& node, const Convolution& operation) {
  return std::make_unique<ConvolutionKernel>(graph.tensor(node.inputs[0]), node, operation);
}

}  // namespace spikescope::avx2

#endif
