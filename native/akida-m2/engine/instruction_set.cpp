#include "instruction_set.h"

#include "fault.h"
#include "target.h"

#if SPIKESCOPE_ARM64 && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace spikescope {
namespace {

bool always() { return true; }

constexpr InstructionSet kScalar{"scalar", always, &kScalarKernels, nullptr, 8};

#if SPIKESCOPE_X86

bool has_avx2() { return __builtin_cpu_supports("avx2"); }

bool has_avx512vnni() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
}

constexpr InstructionSet kAvx2{"avx2", has_avx2, &kAvx2Kernels, &kScalar, 32};
constexpr InstructionSet kAvx512Vnni{"avx512vnni", has_avx512vnni, &kAvx512VnniKernels, &kAvx2, 64};
constexpr const InstructionSet* kTable[] = {&kScalar, &kAvx2, &kAvx512Vnni};

#elif SPIKESCOPE_ARM64

bool has_dot_product() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
  return false;
#endif
}

constexpr InstructionSet kNeon{"neon", always, &kNeonKernels, &kScalar, 16};
constexpr InstructionSet kNeonDot{"neondot", has_dot_product, &kNeonDotKernels, &kNeon, 16};
constexpr const InstructionSet* kTable[] = {&kScalar, &kNeon, &kNeonDot};

#else

constexpr const InstructionSet* kTable[] = {&kScalar};

#endif

/** Whether the processor has it and all that it falls back to. */
bool runs_here(const InstructionSet* set) {
  for (; set != nullptr; set = set->fallback) {
    if (!set->is_present()) return false;
  }
  return true;
}

}  // namespace

std::vector<const InstructionSet*> available_instruction_sets() {
  std::vector<const InstructionSet*> sets;
  for (const InstructionSet* set : kTable) {
    if (runs_here(set)) sets.push_back(set);
  }
  return sets;
}

const InstructionSet& choose_instruction_set(const std::string& name) {
  const std::vector<const InstructionSet*> sets = available_instruction_sets();
  if (name == "auto") return *sets.back();
  std::string names;
  for (const InstructionSet* set : sets) {
    if (set->name == name) return *set;
    names += (names.empty() ? "" : ", ") + std::string(set->name);
  }
  throw Fault("INSTRUCTION_SET", "this processor cannot run '" + name + "'; it can run: " + names, "",
              "instructionSet");
}

}  // namespace spikescope
