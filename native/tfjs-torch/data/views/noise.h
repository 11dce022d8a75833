#pragma once

#include "view.h"

namespace spikescope::views {

/**
 * Adds noise of a standard deviation (a share of white) to each number of a frame: the sum of the four bytes of the seed's
 * next number, which is near to normal (Irwin–Hall). Integers: the same bytes on every machine.
 */
void add_noise(const Frame& frame, double sigma, uint32_t seed, uint8_t* output);

}  // namespace spikescope::views
