#pragma once

#include "window.h"

/** The three products of a convolution with filters in ATen's order: [out, in / groups, height, width]. */
namespace spikescope::training {

Tensor convolve(const Tensor& x, const Tensor& filter, const Window& window, int64_t groups);

/** Gradient of the input, [batch, height, width, channels] = `shape`. */
Tensor convolve_backward_input(const Tensor& dy, const Tensor& filter, const Sizes& shape, const Window& window,
                               int64_t groups);

/** Gradient of the filter, in ATen's order and of that shape. */
Tensor convolve_backward_filter(const Tensor& x, const Tensor& dy, const Sizes& filter_shape, const Window& window,
                                int64_t groups);

}  // namespace spikescope::training
