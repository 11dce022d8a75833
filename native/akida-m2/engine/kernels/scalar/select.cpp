#include "../select_layer.h"

#include <cstring>

#include "kernels.h"

namespace spikescope::scalar {
namespace {

class SelectKernel final : public Kernel {
 public:
  SelectKernel(const Graph& graph, const Node& node, const Select& operation) : layer_(graph, node, operation) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    for (const size_t row : layer_.rows) {
      for (const SelectLayer::Piece& column : layer_.columns) {
        const uint8_t* const pixels = inputs[0] + row + column.offset;
        if (layer_.channels.empty()) {
          std::memcpy(output, pixels, column.length);
          output += column.length;
          continue;
        }
        for (const SelectLayer::Piece& channels : layer_.channels) {
          std::memcpy(output, pixels + channels.offset, channels.length);
          output += channels.length;
        }
      }
    }
  }

 private:
  const SelectLayer layer_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph& graph, const Node& node, const Select& operation) {
  return std::make_unique<SelectKernel>(graph, node, operation);
}

}  // namespace spikescope::scalar
