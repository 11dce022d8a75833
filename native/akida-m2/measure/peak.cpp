#include "peak.h"

#include <cstdint>

#include "../engine/target.h"
#include "fastest.h"

/*
 * In assembly, so that no compiler moves or drops what is counted. Twelve sums, one after the other, are more than any
 * of these instructions' latency times their number per cycle.
 */
namespace spikescope::measure {
namespace {

constexpr int64_t kSums = 12;
constexpr int64_t kLoops = 20000;

/** What counts as the peak of an instruction set, which is known by its kernels. */
struct Loop {
  const KernelFactory* kernels;
  /** Products per instruction, or per pair of them that belong together. */
  int64_t products;
  void (*run)();
};

#if SPIKESCOPE_X86

void run_avx512vnni() {
  int64_t loops = kLoops;
  asm volatile(
      "1:\n\t"
      ".irp sum,0,1,2,3,4,5,6,7,8,9,10,11\n\t"
      "vpdpbusd %%zmm12, %%zmm13, %%zmm\\sum\n\t"
      ".endr\n\t"
      "dec %0\n\t"
      "jnz 1b\n\t"
      "vzeroupper\n\t"
      : "+r"(loops)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
        "xmm12", "xmm13");
}

void run_avx2() {
  int64_t loops = kLoops;
  asm volatile(
      "1:\n\t"
      ".irp sum,0,1,2,3,4,5,6,7,8,9,10,11\n\t"
      "vpmaddwd %%ymm12, %%ymm13, %%ymm14\n\t"
      "vpaddd %%ymm14, %%ymm\\sum, %%ymm\\sum\n\t"
      ".endr\n\t"
      "dec %0\n\t"
      "jnz 1b\n\t"
      "vzeroupper\n\t"
      : "+r"(loops)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
        "xmm12", "xmm13", "xmm14");
}

constexpr Loop kLoopsOfSets[] = {
    {&kAvx512VnniKernels, 64, run_avx512vnni},  // sixteen lanes of four products each
    {&kAvx2Kernels, 16, run_avx2},              // widened to sixteen bits: eight lanes of two products each
};

#elif SPIKESCOPE_ARM64

#define SPIKESCOPE_CLOBBERED                                                                                       \
  "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v28", "v29", "v30"

void run_neondot() {
  int64_t loops = kLoops;
  asm volatile(
      ".arch armv8.2-a+dotprod\n\t"
      "1:\n\t"
      ".irp sum,0,1,2,3,4,5,6,7,16,17,18,19\n\t"
      "sdot v\\sum\\().4s, v28.16b, v29.16b\n\t"
      ".endr\n\t"
      "subs %0, %0, #1\n\t"
      "b.ne 1b\n\t"
      : "+r"(loops)
      :
      : SPIKESCOPE_CLOBBERED);
}

void run_neon() {
  int64_t loops = kLoops;
  asm volatile(
      "1:\n\t"
      ".irp sum,0,1,2,3,4,5,6,7,16,17,18,19\n\t"
      "smull v30.8h, v28.8b, v29.8b\n\t"
      "sadalp v\\sum\\().4s, v30.8h\n\t"
      ".endr\n\t"
      "subs %0, %0, #1\n\t"
      "b.ne 1b\n\t"
      : "+r"(loops)
      :
      : SPIKESCOPE_CLOBBERED);
}

constexpr Loop kLoopsOfSets[] = {
    {&kNeonDotKernels, 16, run_neondot},  // four lanes of four products each
    {&kNeonKernels, 8, run_neon},         // eight products of sixteen bits, added in pairs
};

#endif

double per_second(int64_t products, double seconds) {
  return static_cast<double>(products * kSums * kLoops) / seconds;
}

}  // namespace

double multiply_add_peak(const InstructionSet& set, double seconds) {
#if SPIKESCOPE_X86 || SPIKESCOPE_ARM64
  for (const Loop& loop : kLoopsOfSets) {
    if (loop.kernels == set.kernels) return per_second(loop.products, fastest(seconds, loop.run));
  }
#endif
  (void)seconds;
  (void)set;
  return 0;
}

}  // namespace spikescope::measure
