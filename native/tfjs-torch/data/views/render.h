#pragma once

#include <vector>

#include "view.h"

namespace spikescope::views {

/** Working memory of one thread. */
using Scratch = std::vector<float>;

/** Brings a frame near the processor, line by line: a turned view reads it in an order that no processor foresees. */
void prefetch(const Frame& frame);

/** Draws a view at size × size × 3 (RGB, interleaved), float32 in [0, 1]. */
void render(const Frame& frame, const View& view, int64_t size, Scratch& scratch, float* output);

}  // namespace spikescope::views
