#pragma once

#include <vector>

#include "view.h"

namespace spikescope::views {

/** One channel of a JPEG, as wide and high as whole blocks. */
struct Channel {
  std::vector<int32_t> values;
  int64_t width;
  int64_t height;
};

struct JpegScratch {
  Channel luma;
  /** Blue and red difference at the frame's resolution, then at half of it. */
  std::vector<int32_t> whole[2];
  Channel chroma[2];
};

/**
 * A frame as a baseline JPEG (4:2:0, tables of ITU-T T.81 annex K, libjpeg's qualities and integers) gives it back; the
 * coding, which loses nothing, is left out. src/training/data/views/jpeg.ts says the same slowly.
 */
void through_jpeg(const Frame& frame, int quality, JpegScratch& scratch, uint8_t* output);

}  // namespace spikescope::views
