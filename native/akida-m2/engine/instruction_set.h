#pragma once

#include <string>
#include <vector>

namespace spikescope {

/** In rising order on each kind of processor: each one's kernels fall back to those of the one before. */
enum class InstructionSet { scalar, avx2, avx512vnni, neon, neondot };

/** Instruction sets of this processor and this build, scalar first. */
std::vector<InstructionSet> available_instruction_sets();

std::string name_of(InstructionSet set);

/**
 * @param name `auto` for the best one, or the name of one
 * @throws Fault INSTRUCTION_SET when the name is unknown or the processor lacks it
 */
InstructionSet choose_instruction_set(const std::string& name);

}  // namespace spikescope
