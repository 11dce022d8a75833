#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "kernel.h"

namespace spikescope {

/** Kernels for one kind of processor. All there are stand in one table, in instruction_set.cpp. */
struct InstructionSet {
  const char* name;
  /** Whether this processor has it, given that it has the one that it falls back to. */
  bool (*is_present)();
  const KernelFactory* kernels;
  /** Whose kernels are asked for what its own do not cover; null for `scalar`, which covers all. */
  const InstructionSet* fallback;
  /** Width of its registers. */
  size_t vector_bytes;
};

/** Instruction sets of this processor and this build, `scalar` first, the best last. */
std::vector<const InstructionSet*> available_instruction_sets();

/**
 * @param name `auto` for the best one, or the name of one
 * @throws Fault INSTRUCTION_SET when the name is unknown or the processor lacks it
 */
const InstructionSet& choose_instruction_set(const std::string& name);

}  // namespace spikescope
