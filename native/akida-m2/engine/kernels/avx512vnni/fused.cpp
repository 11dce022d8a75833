#include "kernels.h"

#if SPIKESCOPE_X86

#include "convolution.h"
#include "elementwise.h"

/**
 * A convolution with the operators behind it, applied to the bytes of a tile before they are stored. Each has what the
 * operator needs, and `ready()` makes its constants where the instructions are allowed.
 */
namespace spikescope::avx512vnni {
namespace {

/** A multiply of unsigned bytes with the operand. */
struct ThenMultiplyUnsigned {
  static constexpr bool kReadsOperand = true;
  struct Ready {
    static constexpr bool kReadsOperand = true;
    UnsignedProducts products;
    OutputStage parameters;

    template <int... G>
    SPIKESCOPE_INLINE512 void apply(__m512i* bytes, const __m512i* operands, std::integer_sequence<int, G...>) const {
      __m512i low[sizeof...(G)];
      __m512i high[sizeof...(G)];
      ((low[G] = product_of_low(bytes[G], operands[G])), ...);
      ((high[G] = product_of_high(bytes[G], operands[G])), ...);
      ((low[G] = products.narrow(low[G])), ...);
      ((high[G] = products.narrow(high[G])), ...);
      ((bytes[G] = output_bytes(low[G], high[G], parameters)), ...);
    }
  };

  SPIKESCOPE_INLINE512 Ready ready() const {
    return {unsigned_products(layer), make_output_stage(layer.zero_point, layer.clamp)};
  }

  MultiplyLayer layer;
};

/** Any multiply with the operand. */
struct ThenMultiply {
  static constexpr bool kReadsOperand = true;
  struct Ready {
    static constexpr bool kReadsOperand = true;
    const MultiplyLayer layer;
    const OutputStage parameters;

    template <int... G>
    SPIKESCOPE_INLINE512 void apply(__m512i* bytes, const __m512i* operands, std::integer_sequence<int, G...>) const {
      ((bytes[G] = multiply_signed(bytes[G], operands[G], layer, parameters)), ...);
    }
  };

  SPIKESCOPE_INLINE512 Ready ready() const { return {layer, make_output_stage(layer.zero_point, layer.clamp)}; }

  MultiplyLayer layer;
};

/** An add of the operand. */
struct ThenAdd {
  static constexpr bool kReadsOperand = true;
  struct Ready {
    static constexpr bool kReadsOperand = true;
    const int32_t start;
    const int32_t shift;
    const int32_t multipliers;
    const OutputStage parameters;

    template <int... G>
    SPIKESCOPE_INLINE512 void apply(__m512i* bytes, const __m512i* operands, std::integer_sequence<int, G...>) const {
      PairSums sums[sizeof...(G)];
      (sums[G].start(start), ...);
      (sums[G].add(bytes[G], operands[G], multipliers), ...);
      ((bytes[G] = sums[G].bytes(shift, parameters)), ...);
    }
  };

  SPIKESCOPE_INLINE512 Ready ready() const {
    return {layer.start, layer.shift, multipliers, make_output_stage(layer.zero_point, layer.clamp)};
  }

  AddLayer layer;
  /** The convolution's in the lower half. */
  int32_t multipliers;
};

/** A table before `After`. */
template <typename After>
struct ThenTable {
  static constexpr bool kReadsOperand = After::kReadsOperand;
  struct Ready {
    static constexpr bool kReadsOperand = After::kReadsOperand;
    const uint8_t* table;
    const typename After::Ready after;

    template <int... G>
    SPIKESCOPE_INLINE512 void apply(__m512i* bytes, const __m512i* operands,
                                    std::integer_sequence<int, G...> groups) const {
      ((bytes[G] = look_up(bytes[G], table)), ...);
      after.apply(bytes, operands, groups);
    }
  };

  SPIKESCOPE_INLINE512 Ready ready() const { return {table.get(), after.ready()}; }

  AlignedMemory table;
  After after;
};

template <typename After>
class FusedKernel final : public Kernel {
 public:
  FusedKernel(const Tensor& input, const Node& node, After after)
      : convolution_(input, node, std::get<Convolution>(node.operation),
                     static_cast<size_t>(node.output.shape.channels)),
        after_(std::move(after)) {}

  size_t scratch_bytes() const override { return convolution_.scratch_bytes(); }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t* scratch) const override {
    convolution_.run({inputs[0], output, After::kReadsOperand ? inputs[1] : nullptr}, scratch, after_);
  }

 private:
  const TiledConvolution convolution_;
  const After after_;
};

template <typename After>
std::unique_ptr<Kernel> make_with(const Graph& graph, const Fusion& fusion, After after) {
  const Node& node = graph.nodes[fusion.convolution];
  return std::make_unique<FusedKernel<After>>(graph.tensor(node.inputs[0]), node, std::move(after));
}

template <typename After>
std::unique_ptr<Kernel> make_with_table(const Graph& graph, const Fusion& fusion, After after) {
  if (!fusion.table) return make_with(graph, fusion, std::move(after));
  AlignedMemory table = allocate_aligned(256);
  std::copy_n(std::get<Table>(graph.nodes[*fusion.table].operation).table.data(), 256, table.get());
  return make_with(graph, fusion, ThenTable<After>{std::move(table), std::move(after)});
}

ThenAdd then_add(const Graph& graph, const Node& node, const Add& operation, size_t operand) {
  AddLayer layer(graph, node, operation);
  const auto both = static_cast<uint32_t>(layer.pairs[0].multipliers);
  const bool operand_first = node.inputs[0] == operand;
  return {layer, static_cast<int32_t>(operand_first ? both << 16 | both >> 16 : both)};
}

}  // namespace

std::unique_ptr<Kernel> make_fused(const Graph& graph, const Fusion& fusion) {
  if (!fusion.joining) return make_with_table(graph, fusion, NothingAfter{});
  const Node& node = graph.nodes[*fusion.joining];
  if (const auto* add = std::get_if<Add>(&node.operation)) {
    return make_with_table(graph, fusion, then_add(graph, node, *add, fusion.operand));
  }
  const MultiplyLayer layer(graph, node, std::get<Multiply>(node.operation));
  if (layer.fits_unsigned()) return make_with_table(graph, fusion, ThenMultiplyUnsigned{layer});
  // The sides of a product are told apart by their zero points only.
  MultiplyLayer turned = layer;
  if (node.inputs[0] == fusion.operand) std::swap(turned.value_zero_point, turned.gate_zero_point);
  return make_with_table(graph, fusion, ThenMultiply{turned});
}

}  // namespace spikescope::avx512vnni

#endif
