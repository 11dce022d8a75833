#include "bandwidth.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "../engine/arena.h"
#include "../engine/instruction_set.h"
#include "../engine/target.h"
#include "fastest.h"

namespace spikescope::measure {
namespace {

/** Small memory is gone through so often that a run lasts longer than the clock's grain. */
constexpr size_t kBytesPerRun = size_t{4} << 20;

/** A cache line; the compiler makes of it what the instruction set has. */
typedef uint64_t Line __attribute__((vector_size(64), may_alias));

/** A macro, because the compiler splits a line into registers before it inlines one function into another. */
#define SPIKESCOPE_READ_LINES                                                   \
  {                                                                             \
    Line first{}, second{}, third{}, fourth{};                                  \
    for (size_t i = 0; i + 4 <= count; i += 4) {                                \
      first ^= lines[i];                                                        \
      second ^= lines[i + 1];                                                   \
      third ^= lines[i + 2];                                                    \
      fourth ^= lines[i + 3];                                                   \
    }                                                                           \
    const Line all = first ^ second ^ third ^ fourth;                           \
    asm volatile("" : : "m"(all));                                              \
  }

using Read = void (*)(const Line* lines, size_t count);

void read_plain(const Line* lines, size_t count) SPIKESCOPE_READ_LINES

#if SPIKESCOPE_X86
SPIKESCOPE_AVX2 void read_avx2(const Line* lines, size_t count) SPIKESCOPE_READ_LINES
SPIKESCOPE_AVX512 void read_avx512(const Line* lines, size_t count) SPIKESCOPE_READ_LINES
#endif

Read widest_read() {
#if SPIKESCOPE_X86
  const size_t vector_bytes = available_instruction_sets().back()->vector_bytes;
  if (vector_bytes >= 64) return read_avx512;
  if (vector_bytes >= 32) return read_avx2;
#endif
  return read_plain;
}

}  // namespace

double read_bandwidth(size_t bytes, double seconds) {
  const AlignedMemory memory = reserve_aligned(bytes);
  // Pages that were never written may all be the same one.
  std::memset(memory.get(), 1, bytes);
  const auto* const lines = reinterpret_cast<const Line*>(memory.get());
  const size_t count = bytes / sizeof(Line);
  const size_t passes = std::max<size_t>(kBytesPerRun / bytes, 1);
  const Read read = widest_read();
  const double taken = fastest(seconds, [&] {
    for (size_t pass = 0; pass < passes; pass++) read(lines, count);
  });
  return static_cast<double>(bytes) * static_cast<double>(passes) / taken;
}

}  // namespace spikescope::measure
