#pragma once

#include "../neon/vectors.h"

#if SPIKESCOPE_ARM64

namespace spikescope::neondot {

// Where assembly finds the parts of what ends a requantisation.
static_assert(offsetof(neon::OutputStage, zero_point) == 0 && offsetof(neon::OutputStage, minimum) == 16 &&
              offsetof(neon::OutputStage, maximum) == 32);

/**
 * Sums by the dot product, an `Arithmetic` of neon/matrix.h. In assembly that names the extension, so that nothing
 * else in the file is compiled for a processor that may not be there.
 */
struct Dot {
  struct Sum {
    int32x4_t value;
  };

  static constexpr int pixels(int vectors) { return vectors == 4 ? 4 : 8; }

  static SPIKESCOPE_INLINE Sum start(const int32_t* bias) { return {neon::load_fresh(bias)}; }

  template <int Step>
  static SPIKESCOPE_INLINE void add_word(Sum& sum, int8x16_t weights, int8x16_t values) {
    asm(".arch armv8.2-a+dotprod\n\tsdot %0.4s, %1.16b, %2.4b[%3]"
        : "+w"(sum.value)
        : "w"(weights), "w"(values), "i"(Step));
  }

  static SPIKESCOPE_INLINE void add(Sum& sum, int8x16_t weights, int8x16_t values) {
    asm(".arch armv8.2-a+dotprod\n\tsdot %0.4s, %1.16b, %2.16b" : "+w"(sum.value) : "w"(weights), "w"(values));
  }

  static SPIKESCOPE_INLINE int32x4_t total(const Sum& sum) { return sum.value; }
};

}  // namespace spikescope::neondot

#endif
