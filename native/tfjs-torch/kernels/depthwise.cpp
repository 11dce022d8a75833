#include "convolve.h"

namespace spikescope::training {
namespace {

/** tfjs: [height, width, channels, multiplier]; ATen: [channels × multiplier, 1, height, width], one group per channel. */
Tensor filter_to_aten(const Tensor& filter) {
  TORCH_CHECK(filter.dim() == 4, "a depthwise filter has four axes");
  const int64_t outputs = filter.size(2) * filter.size(3);
  return filter.permute({2, 3, 0, 1}).reshape({outputs, 1, filter.size(0), filter.size(1)});
}

Tensors forward(Inputs in, Attributes& attributes) {
  const Window window = Window::read(attributes);
  return {convolve(in[0], filter_to_aten(in[1]), window, in[1].size(2))};
}

/** dy, filter → gradient of the input */
Tensors backward_input(Inputs in, Attributes& attributes) {
  const Window window = Window::read(attributes);
  const Sizes shape = attributes.list();
  return {convolve_backward_input(in[0], filter_to_aten(in[1]), shape, window, in[1].size(2))};
}

/** x, dy → gradient of the filter */
Tensors backward_filter(Inputs in, Attributes& attributes) {
  const Window window = Window::read(attributes);
  const Sizes shape = attributes.list();
  TORCH_CHECK(shape.size() == 4, "a depthwise filter has four axes");
  const int64_t outputs = shape[2] * shape[3];
  const Tensor gradient = convolve_backward_filter(in[0], in[1], {outputs, 1, shape[0], shape[1]}, window, shape[2]);
  return {gradient.reshape({shape[2], shape[3], shape[0], shape[1]}).permute({2, 3, 0, 1})};
}

}  // namespace

void add_depthwise_kernels(Registry& registry) {
  registry.push_back({"DepthwiseConv2dNative", 2, forward});
  registry.push_back({"DepthwiseConv2dNativeBackpropInput", 2, backward_input});
  registry.push_back({"DepthwiseConv2dNativeBackpropFilter", 2, backward_filter});
}

}  // namespace spikescope::training
