#include "convolve.h"

namespace spikescope::training {
namespace {

Sizes symmetric_padding(const Border& border) {
  return border.symmetric() ? Sizes{border.top, border.left} : Sizes{0, 0};
}

struct Gradients {
  Tensor input, filter;
};

/** `input` and `filter` of which the gradient is wanted only lend their shape. */
Gradients backward(const Tensor& dy, const Tensor& input, const Tensor& filter, const Window& window, const Border& border,
                   int64_t groups, std::array<bool, 3> wanted) {
  const auto [input_gradient, filter_gradient, bias_gradient] =
      at::convolution_backward(to_channels_first(dy), input, filter, c10::nullopt, window.stride, symmetric_padding(border),
                               window.dilation, false, {0, 0}, groups, wanted);
  return {input_gradient, filter_gradient};
}

Tensor unset(at::IntArrayRef shape) {
  return at::empty(shape, at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
}

}  // namespace

Tensor convolve(const Tensor& x, const Tensor& filter, const Window& window, int64_t groups) {
  // ATen cannot view an empty batch in channels-last order.
  if (x.numel() == 0) return at::zeros({x.size(0), window.output[0], window.output[1], filter.size(0)});
  const Border border = window.border(x.size(1), x.size(2), filter.size(2), filter.size(3));
  const Tensor image = border.symmetric() ? x : padded(x, border, 0);
  return to_channels_last(at::convolution(to_channels_first(image), filter, {}, window.stride, symmetric_padding(border),
                                          window.dilation, false, {0, 0}, groups));
}

Tensor convolve_backward_input(const Tensor& dy, const Tensor& filter, const Sizes& shape, const Window& window,
                               int64_t groups) {
  TORCH_CHECK(shape.size() == 4, "an input has four axes");
  if (dy.numel() == 0) return at::zeros(shape);
  const Border border = window.border(shape[1], shape[2], filter.size(2), filter.size(3));
  const bool copied = !border.symmetric();
  const int64_t height = shape[1] + (copied ? border.top + border.bottom : 0);
  const int64_t width = shape[2] + (copied ? border.left + border.right : 0);
  const Tensor input = unset({shape[0], shape[3], height, width});
  const Tensor dx = to_channels_last(backward(dy, input, filter, window, border, groups, {true, false, false}).input);
  return copied ? cropped(dx, border) : dx;
}

Tensor convolve_backward_filter(const Tensor& x, const Tensor& dy, const Sizes& filter_shape, const Window& window,
                                int64_t groups) {
  TORCH_CHECK(filter_shape.size() == 4, "a filter has four axes");
  if (dy.numel() == 0) return at::zeros(filter_shape);
  const Border border = window.border(x.size(1), x.size(2), filter_shape[2], filter_shape[3]);
  const Tensor image = border.symmetric() ? x : padded(x, border, 0);
  return backward(dy, to_channels_first(image), unset(filter_shape), window, border, groups, {false, true, false}).filter;
}

}  // namespace spikescope::training
