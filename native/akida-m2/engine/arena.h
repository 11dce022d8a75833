#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace spikescope {

/** The next multiple of kAlignment. */
size_t round_up(size_t bytes);

/** A piece of memory needed from step `first` to step `last`, both included. */
struct Lifetime {
  size_t bytes = 0;
  size_t first = 0;
  size_t last = 0;
};

struct ArenaLayout {
  /** One per lifetime, multiples of kAlignment. */
  std::vector<size_t> offsets;
  size_t bytes = 0;
};

/**
 * Places every piece so that no two that live at the same step overlap, largest first, each at the lowest offset
 * that is free throughout its life.
 */
ArenaLayout lay_out(const std::vector<Lifetime>& lifetimes);

struct FreeAligned {
  void operator()(uint8_t* memory) const;
};
using AlignedMemory = std::unique_ptr<uint8_t[], FreeAligned>;

/** Memory aligned to kAlignment, not yet touched: what is never used costs nothing. @throws std::bad_alloc */
AlignedMemory reserve_aligned(size_t bytes);

/** The same, zeroed. */
AlignedMemory allocate_aligned(size_t bytes);

}  // namespace spikescope
