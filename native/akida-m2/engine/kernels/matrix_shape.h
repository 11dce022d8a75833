#pragma once

#include <cstddef>
#include <cstdint>

namespace spikescope {

/** What each window of a matrix product is made of. */
struct MatrixShape {
  const size_t* run_offsets;
  int32_t runs;
  /** 32-bit words per run. */
  int32_t steps;
};

}  // namespace spikescope
