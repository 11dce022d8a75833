#pragma once

#include <vector>

#include "view.h"

namespace spikescope::views {

/** A view's Gaussian blur: samples up to three standard deviations away; the borders are mirrors. */
void blur(const View& view, const Planes& planes, std::vector<float>& scratch);

}  // namespace spikescope::views
