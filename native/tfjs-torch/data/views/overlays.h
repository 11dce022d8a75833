#pragma once

#include <vector>

#include "view.h"

/** What lies between the skin and the sensor. */
namespace spikescope::views {

/** Draws a view's lines; one thinner than a pixel covers less of it. `scratch` becomes a plane. */
void draw_over(const View& view, const Segment* segments, const Planes& planes, std::vector<float>& scratch);

/** Blackens what lies outside a view's field; its edge is a pixel wide at least. */
void darken_around(const View& view, const Planes& planes);

}  // namespace spikescope::views
