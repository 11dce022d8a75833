#pragma once

#include <vector>

#include "exposure.h"
#include "view.h"

namespace spikescope::views {

/** Working memory of one thread. */
struct Scratch {
  ExposureScratch exposure;
  std::vector<float> planes;
  /** Of one plane's size, for what needs another. */
  std::vector<float> plane;
};

/** Brings a frame near the processor, line by line: a turned view reads it in an order that no processor foresees. */
void prefetch(const Frame& frame);

/**
 * Draws a view of an exposed frame at size × size × 3 (RGB, interleaved), float32 in [0, 1].
 * @param segments of all views; the view's drawings point into them
 */
void render(const Frame& frame, const View& view, const Segment* segments, int64_t size, Scratch& scratch,
            float* output);

}  // namespace spikescope::views
