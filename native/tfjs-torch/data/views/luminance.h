#pragma once

#include "view.h"

namespace spikescope::views {

/** A view's gains, then luminance and contrast on CIELAB L* (D65) with a* and b* kept, then sRGB cut to [0, 1]. */
void adjust_colours(const View& view, const Planes& planes);

}  // namespace spikescope::views
