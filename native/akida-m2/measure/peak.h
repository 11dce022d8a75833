#pragma once

#include "../engine/instruction_set.h"

namespace spikescope::measure {

/**
 * 8-bit multiply-adds a second that one core does at best: nothing but the instructions by which the engine's kernels
 * for `set` come to exact 32-bit sums, on registers alone. The fastest of many short runs.
 * @param seconds how long to try
 * @return 0 for `scalar`, where the compiler chooses the instructions
 */
double multiply_add_peak(const InstructionSet& set, double seconds);

}  // namespace spikescope::measure
