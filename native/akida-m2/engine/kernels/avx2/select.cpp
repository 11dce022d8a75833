#include "kernels.h"

#if SPIKESCOPE_X86

#include "../select_layer.h"
#include "vectors.h"

namespace spikescope::avx2 {
namespace {

/** Sixteen channels of the output at a time, looked up in a few sixteen bytes of the input's pixel. */
class SelectKernel final : public Kernel {
 public:
  SelectKernel(SelectLayer layer, ChannelShuffle shuffle) : layer_(std::move(layer)), shuffle_(std::move(shuffle)) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override { shuffle(inputs[0], output); }

 private:
  SPIKESCOPE_AVX2 void shuffle(const uint8_t* input, uint8_t* output) const {
    for (const size_t row : layer_.rows) {
      for (const SelectLayer::Piece& column : layer_.columns) {
        const uint8_t* const pixel = input + row + column.offset;
        for (const ChannelShuffle::Block& block : shuffle_.blocks) {
          __m128i values = _mm_setzero_si128();
          for (const ChannelShuffle::Window& window : block.windows) {
            values = _mm_or_si128(values, _mm_shuffle_epi8(load128(pixel + window.offset), load128(window.places)));
          }
          store_bytes(output, values, block.count);
          output += block.count;
        }
      }
    }
  }

  const SelectLayer layer_;
  const ChannelShuffle shuffle_;
};

}  // namespace

std::unique_ptr<Kernel> make_select(const Graph& graph, const Node& node, const Select& operation) {
  SelectLayer layer(graph, node, operation);
  if (operation.channels.size() > ChannelShuffle::kMostChannels) return nullptr;
  ChannelShuffle shuffle(operation.channels);
  // Long pieces are copied faster than they are looked up.
  if (layer.channels.size() < shuffle.windows) return nullptr;
  return std::make_unique<SelectKernel>(std::move(layer), std::move(shuffle));
}

}  // namespace spikescope::avx2

#endif
