#pragma once

#include <cstddef>
#include <cstdint>

namespace spikescope::views {

/** 8-bit RGB, row after row without gaps. At least kPadding more bytes can be read behind the last pixel. */
struct Frame {
  const uint8_t* rgb;
  int64_t width;
  int64_t height;
};

constexpr int64_t kMaximumSide = 16384;
/** Bytes that the widest read reaches beyond a frame, at most. */
constexpr int64_t kPadding = 16;

/** Lines of one colour: `count` segments from the `first` on. Where they cross they cover no more than one of them. */
struct Drawing {
  double first, count;
  double colour[3];
  /** Share of the skin's light that a line holds back. */
  double opacity;
};

constexpr int kMaximumDrawings = 2;

/**
 * What one augmented view shows, the same for every size at which it is drawn. The point (u, v) of the output, both in
 * [−½, ½], shows the frame's point centre + side × (xu·u + xv·v + x, yu·u + yv·v + y), where centre and side are those of
 * the centred square.
 */
struct View {
  double xu, xv, x;
  double yu, yv, y;
  double gain[3];
  /** With l = L* over 100: l becomes factor × l^gamma, then mean + contrast × (l − mean). */
  double factor, gamma, contrast;
  /** Left, top, right, bottom of the erased rectangle, shares of the output's side; empty when right ≤ left. */
  double erased[4];
  /** Standard deviation of noise on the frame's numbers, as a share of white; an unsigned 32-bit seed. */
  double noise_sigma, noise_seed;
  /** 1…100, of a JPEG through which the noisy frame has gone; 0 for none. */
  double jpeg_quality;
  /** Standard deviation of the blur after all else but erasing, as a share of the output's side. */
  double blur_sigma;
  /** Centre (u, v), radius and width of the edge of the disc that is not black; radius 0 for none. */
  double field[4];
  Drawing drawings[kMaximumDrawings];
};

/** A View as JavaScript hands it over: so many doubles in the order above. */
constexpr size_t kViewNumbers = 36;
static_assert(sizeof(View) == kViewNumbers * sizeof(double));

/** A straight line with round ends, in shares of the output's side from its centre. */
struct Segment {
  double from_u, from_v, to_u, to_v, width;
};

constexpr size_t kSegmentNumbers = 5;
static_assert(sizeof(Segment) == kSegmentNumbers * sizeof(double));

/** Red, green, blue of a square output, each size × size, in [0, 1]. */
struct Planes {
  float* red;
  float* green;
  float* blue;
  int64_t size;
};

}  // namespace spikescope::views
