#include "kernels.h"

#if SPIKESCOPE_X86

#include "elementwise.h"

namespace spikescope::avx512vnni {
namespace {

class AddKernel final : public Kernel {
 public:
  AddKernel(const Graph& graph, const Node& node, const Add& operation) : layer_(graph, node, operation) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override { add(inputs, output); }

 private:
  SPIKESCOPE_AVX512 void add(const uint8_t* const* inputs, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(layer_.zero_point, layer_.clamp);
    for (size_t at = 0; at < layer_.length; at += 64) {
      PairSums sums;
      sums.start(layer_.start);
      for (const AddLayer::Pair& pair : layer_.pairs) {
        sums.add(_mm512_loadu_si512(inputs[pair.first] + at), _mm512_loadu_si512(inputs[pair.second] + at),
                 pair.multipliers);
      }
      store_bytes(output + at, sums.bytes(layer_.shift, parameters), layer_.length - at);
    }
  }

  const AddLayer layer_;
};

}  // namespace

std::unique_ptr<Kernel> make_add(const Graph& graph, const Node& node, const Add& operation) {
  return std::make_unique<AddKernel>(graph, node, operation);
}

}  // namespace spikescope::avx512vnni

#endif
