#include "kernels.h"

#if SPIKESCOPE_ARM64

#include "../select_layer.h"
#include "vectors.h"

namespace spikescope::neon {
namespace {

/** Sixteen channels of the output at a time, looked up in a few sixteen bytes of the input's pixel. */
class SelectKernel final : public Kernel {
 public:
  SelectKernel(SelectLayer layer, ChannelShuffle shuffle) : layer_(std::move(layer)), shuffle_(std::move(shuffle)) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    for (const size_t row : layer_.rows) {
      for (const SelectLayer::Piece& column : layer_.columns) {
        const uint8_t* const pixel = inputs[0] + row + column.offset;
        for (const ChannelShuffle::Block& block : shuffle_.blocks) {
          uint8x16_t values = vdupq_n_u8(0);
          for (const ChannelShuffle::Window& window : block.windows) {
            values = vorrq_u8(values, vqtbl1q_u8(vld1q_u8(pixel + window.offset), vld1q_u8(window.places)));
          }
          store_bytes(output, values, block.count);
          output += block.count;
        }
      }
    }
  }

 private:
  const SelectLayer layer_;
  const ChannelShuffle shuffle_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Select& operation) {
  SelectLayer layer(graph, node, operation);
  if (operation.channels.size() > ChannelShuffle::kMostChannels) return nullptr;
  ChannelShuffle shuffle(operation.channels);
  // Long pieces are copied faster than they are looked up.
  if (layer.channels.size() < shuffle.windows) return nullptr;
  return std::make_unique<SelectKernel>(std::move(layer), std::move(shuffle));
}

}  // namespace spikescope::neon

#endif
