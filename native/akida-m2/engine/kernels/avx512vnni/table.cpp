#include "kernels.h"

#if SPIKESCOPE_X86

#include <algorithm>

#include "../../arena.h"
#include "elementwise.h"

namespace spikescope::avx512vnni {
namespace {

class TableKernel final : public Kernel {
 public:
  TableKernel(const Tensor& output, const Table& operation)
      : length_(output.shape.elements()), table_(allocate_aligned(256)) {
    std::copy_n(operation.table.data(), 256, table_.get());
  }

  void run(const uint8_t* const* inputs, uint8_t* output, uint8_t*) const override { look_up_all(inputs[0], output); }

 private:
  SPIKESCOPE_AVX512 void look_up_all(const uint8_t* input, uint8_t* output) const {
    for (size_t at = 0; at < length_; at += 64) {
      store_bytes(output + at, look_up(_mm512_loadu_si512(input + at), table_.get()), length_ - at);
    }
  }

  const size_t length_;
  const AlignedMemory table_;
};

}  // namespace

std::unique_ptr<Kernel> make_table(const Graph&, const Node& node, const Table& operation) {
  return std::make_unique<TableKernel>(node.output, operation);
}

}  // namespace spikescope::avx512vnni

#endif
