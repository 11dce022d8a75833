#include "instruction_set.h"

#include "fault.h"
#include "target.h"

#if SPIKESCOPE_ARM64 && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace spikescope {
#if SPIKESCOPE_ARM64
namespace {

bool has_dot_product() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
  return false;
#endif
}

}  // namespace
#endif

std::vector<InstructionSet> available_instruction_sets() {
  std::vector<InstructionSet> sets{InstructionSet::scalar};
#if SPIKESCOPE_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) {
    sets.push_back(InstructionSet::avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni")) {
      sets.push_back(InstructionSet::avx512vnni);
    }
  }
#elif SPIKESCOPE_ARM64
  sets.push_back(InstructionSet::neon);
  if (has_dot_product()) sets.push_back(InstructionSet::neondot);
#endif
  return sets;
}

std::string name_of(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512vnni:
      return "avx512vnni";
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::neon:
      return "neon";
    case InstructionSet::neondot:
      return "neondot";
    case InstructionSet::scalar:
      return "scalar";
  }
  return "scalar";
}

InstructionSet choose_instruction_set(const std::string& name) {
  const std::vector<InstructionSet> sets = available_instruction_sets();
  if (name == "auto") return sets.back();
  std::string names;
  for (const InstructionSet set : sets) {
    if (name_of(set) == name) return set;
    names += (names.empty() ? "" : ", ") + name_of(set);
  }
  throw Fault("INSTRUCTION_SET", "this processor cannot run '" + name + "'; it can run: " + names, "", "instructionSet");
}

}  // namespace spikescope
