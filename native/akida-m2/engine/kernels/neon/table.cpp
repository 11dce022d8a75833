#include "kernels.h"

#if SPIKESCOPE_ARM64

#include <algorithm>

#include "../../arena.h"
#include "vectors.h"

namespace spikescope::neon {
namespace {

/**
 * The table in registers, 64 entries to a look-up. A look-up beyond its entries gives zero, so those of all quarters
 * can be joined. Where the table's ends are constant, as a sigmoid's are, values are clamped to what lies between them,
 * and fewer quarters do.
 */
class TableKernel final : public Kernel {
 public:
  TableKernel(const Tensor& output, const Table& operation)
      : length_(output.shape.elements()), table_(allocate_aligned(256)) {
    const std::vector<uint8_t>& table = operation.table;
    int32_t first = 0;
    int32_t last = 255;
    while (first < 255 && table[first] == table[first + 1]) first++;
    while (last > first && table[last] == table[last - 1]) last--;
    quarters_ = (last - first) / 64 + 1;
    const int32_t count = last - first + 1;
    std::copy_n(table.data() + first, count, table_.get());
    first_ = static_cast<uint8_t>(first);
    largest_index_ = static_cast<uint8_t>(count - 1);
  }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override {
    switch (quarters_) {
      case 1:
        return look_up<1>(inputs[0], output);
      case 2:
        return look_up<2>(inputs[0], output);
      case 3:
        return look_up<3>(inputs[0], output);
      default:
        return look_up<4>(inputs[0], output);
    }
  }

 private:
  /** In four registers that follow each other, as the look-up wants them, for good. */
  static SPIKESCOPE_INLINE uint8x16x4_t quarter(const uint8_t* table) {
    uint8x16x4_t registers = vld1q_u8_x4(table);
    asm("" : "+w"(registers));
    return registers;
  }

  template <int Quarters>
  void look_up(const uint8_t* input, uint8_t* output) const {
    const uint8x16x4_t quarter0 = quarter(table_.get());
    const uint8x16x4_t quarter1 = quarter(table_.get() + 64);
    const uint8x16x4_t quarter2 = quarter(table_.get() + 128);
    const uint8x16x4_t quarter3 = quarter(table_.get() + 192);
    const uint8x16_t first = vdupq_n_u8(first_);
    const uint8x16_t largest = vdupq_n_u8(largest_index_);
    store_all(output, length_, [&](size_t at) SPIKESCOPE_INLINE_LAMBDA {
      const uint8x16_t index = vminq_u8(vqsubq_u8(vld1q_u8(input + at), first), largest);
      uint8x16_t result = vqtbl4q_u8(quarter0, index);
      if constexpr (Quarters > 1) result = vorrq_u8(result, vqtbl4q_u8(quarter1, vsubq_u8(index, vdupq_n_u8(64))));
      if constexpr (Quarters > 2) result = vorrq_u8(result, vqtbl4q_u8(quarter2, vsubq_u8(index, vdupq_n_u8(128))));
      if constexpr (Quarters > 3) result = vorrq_u8(result, vqtbl4q_u8(quarter3, vsubq_u8(index, vdupq_n_u8(192))));
      return result;
    });
  }

  const size_t length_;
  const AlignedMemory table_;
  int32_t quarters_ = 4;
  uint8_t first_ = 0;
  uint8_t largest_index_ = 255;
};

}  // namespace

std::unique_ptr<Kernel> make(const Graph&, const Node& node, const Table& operation) {
  return std::make_unique<TableKernel>(node.output, operation);
}

}  // namespace spikescope::neon

#endif
