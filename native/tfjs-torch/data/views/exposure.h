#pragma once

#include <vector>

#include "jpeg.h"
#include "view.h"

namespace spikescope::views {

struct ExposureScratch {
  std::vector<uint8_t> noisy;
  std::vector<uint8_t> decoded;
  JpegScratch jpeg;
};

/** The frame as a view's sensor and file give it: the frame itself, or one in the scratch. */
Frame expose(const Frame& frame, const View& view, ExposureScratch& scratch);

}  // namespace spikescope::views
