#pragma once

#include "view.h"

namespace spikescope::views {

/**
 * Draws a view without its colours: an output pixel is the mean of a box of the frame around the point that it shows.
 * The box has the variance, along each axis, of the parallelogram that the output pixel covers; so it is exactly that
 * pixel's area for the identity, for flips, scaling and quarter turns (area resampling), and keeps its size when turned.
 * Beyond its borders the frame is mirrored.
 */
void box_resample(const Frame& frame, const View& view, const Planes& output);

}  // namespace spikescope::views
