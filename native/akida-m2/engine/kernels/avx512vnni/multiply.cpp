#include "kernels.h"

#if SPIKESCOPE_X86

#include "elementwise.h"

namespace spikescope::avx512vnni {
namespace {

class MultiplyKernel final : public Kernel {
 public:
  MultiplyKernel(const Graph& graph, const Node& node, const Multiply& operation) : layer_(graph, node, operation) {}

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    for (size_t at = 0; at < layer_.length; at += layer_.gate_length) {
      if (layer_.fits_unsigned()) {
        multiply<true>(inputs[0] + at, inputs[1], output + at);
      } else {
        multiply<false>(inputs[0] + at, inputs[1], output + at);
      }
    }
  }

 private:
  template <bool Unsigned>
  SPIKESCOPE_AVX512 void multiply(const uint8_t* values, const uint8_t* gates, uint8_t* output) const {
    const OutputStage parameters = make_output_stage(layer_.zero_point, layer_.clamp);
    const UnsignedProducts products = unsigned_products(layer_);
    for (size_t at = 0; at < layer_.gate_length; at += 64) {
      const __m512i value = _mm512_loadu_si512(values + at);
      const __m512i gate = _mm512_loadu_si512(gates + at);
      __m512i product;
      if constexpr (Unsigned) {
        product = output_bytes(products.narrow(product_of_low(value, gate)),
                               products.narrow(product_of_high(value, gate)), parameters);
      } else {
        product = multiply_signed(value, gate, layer_, parameters);
      }
      store_bytes(output + at, product, layer_.gate_length - at);
    }
  }

  const MultiplyLayer layer_;
};

}  // namespace

std::unique_ptr<Kernel> make_multiply(const Graph& graph, const Node& node, const Multiply& operation) {
  return std::make_unique<MultiplyKernel>(graph, node, operation);
}

}  // namespace spikescope::avx512vnni

#endif
