#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <array>

#include "kernel.h"

/** Sliding windows over [batch, height, width, channels], between tfjs's view of them and ATen's. */
namespace spikescope::training {

/** tfjs's dense NHWC as ATen's NCHW in channels-last order: the same memory. */
inline Tensor to_channels_first(const Tensor& nhwc) {
  TORCH_CHECK(nhwc.dim() == 4, "expected a tensor of four axes");
  return nhwc.permute({0, 3, 1, 2});
}

inline Tensor to_channels_last(const Tensor& nchw) { return nchw.permute({0, 2, 3, 1}); }

/** Padding around an image; what tfjs's `same` adds need not be equal on both sides. */
struct Border {
  int64_t top, bottom, left, right;
  bool symmetric() const { return top == bottom && left == right; }
  Sizes last_axis_first() const { return {0, 0, left, right, top, bottom}; }
};

struct Window {
  std::array<int64_t, 2> stride;
  std::array<int64_t, 2> dilation;
  int64_t top, left;
  std::array<int64_t, 2> output;

  /** As the TypeScript side lists it: stride, dilation, padding before, output size, each height then width. */
  static Window read(Attributes& attributes) {
    Window window{};
    for (auto* pair : {&window.stride, &window.dilation}) {
      for (int64_t& entry : *pair) {
        entry = attributes.integer();
        TORCH_CHECK(entry >= 1, "strides and dilations start at 1");
      }
    }
    window.top = attributes.integer();
    window.left = attributes.integer();
    for (int64_t& extent : window.output) {
      extent = attributes.integer();
      TORCH_CHECK(extent >= 0, "an output extent is negative");
    }
    TORCH_CHECK(window.top >= 0 && window.left >= 0, "paddings start at 0");
    return window;
  }

  /**
   * The border of an image that makes ATen, which rounds down, give `output`: equal on both sides wherever that does,
   * because ATen then needs no padded copy.
   */
  Border border(int64_t height, int64_t width, int64_t kernel_height, int64_t kernel_width) const {
    return {top, after(0, height, kernel_height, top), left, after(1, width, kernel_width, left)};
  }

 private:
  int64_t after(size_t axis, int64_t extent, int64_t kernel, int64_t before) const {
    const int64_t reach = dilation[axis] * (kernel - 1) + 1;
    const int64_t covered = extent + 2 * before - reach;
    if (covered >= 0 && covered / stride[axis] + 1 == output[axis]) return before;
    const int64_t needed = (output[axis] - 1) * stride[axis] + reach - extent - before;
    TORCH_CHECK(needed > -stride[axis], "an output of ", output[axis], " leaves whole windows of the image out");
    return std::max<int64_t>(0, needed);
  }
};

inline Tensor padded(const Tensor& nhwc, const Border& border, double value) {
  return at::constant_pad_nd(nhwc, border.last_axis_first(), value);
}

/** The image inside its border. */
inline Tensor cropped(const Tensor& nhwc, const Border& border) {
  return nhwc.narrow(1, border.top, nhwc.size(1) - border.top - border.bottom)
      .narrow(2, border.left, nhwc.size(2) - border.left - border.right);
}

}  // namespace spikescope::training
