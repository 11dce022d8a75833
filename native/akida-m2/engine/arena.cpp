#include "arena.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <numeric>

#include "kernel.h"

namespace spikescope {
namespace {

bool overlap(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

size_t round_up(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

ArenaLayout lay_out(const std::vector<Lifetime>& lifetimes) {
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });

  ArenaLayout layout{std::vector<size_t>(lifetimes.size()), 0};
  std::vector<size_t> placed;  // by rising offset
  for (const size_t piece : order) {
    const size_t bytes = round_up(lifetimes[piece].bytes);
    size_t offset = 0;
    for (const size_t other : placed) {
      if (!overlap(lifetimes[piece], lifetimes[other])) continue;
      if (offset + bytes <= layout.offsets[other]) break;
      offset = std::max(offset, layout.offsets[other] + round_up(lifetimes[other].bytes));
    }
    layout.offsets[piece] = offset;
    layout.bytes = std::max(layout.bytes, offset + bytes);
    const auto after = std::upper_bound(placed.begin(), placed.end(), offset,
                                        [&](size_t value, size_t other) { return value < layout.offsets[other]; });
    placed.insert(after, piece);
  }
  return layout;
}

void FreeAligned::operator()(uint8_t* memory) const {
  ::operator delete[](memory, std::align_val_t{kAlignment});
}

AlignedMemory reserve_aligned(size_t bytes) {
  return AlignedMemory(static_cast<uint8_t*>(::operator new[](round_up(bytes), std::align_val_t{kAlignment})));
}

AlignedMemory allocate_aligned(size_t bytes) {
  AlignedMemory memory = reserve_aligned(bytes);
  std::memset(memory.get(), 0, round_up(bytes));
  return memory;
}

}  // namespace spikescope
