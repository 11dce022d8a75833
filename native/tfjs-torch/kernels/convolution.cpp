#include "convolve.h"

namespace spikescope::training {
namespace {

/** tfjs orders filters [height, width, in, out], ATen [out, in, height, width]. */
Tensor filter_to_aten(const Tensor& filter) {
  TORCH_CHECK(filter.dim() == 4, "a filter has four axes");
  return filter.permute({3, 2, 0, 1});
}

Tensors forward(Inputs in, Attributes& attributes) {
  const Window window = Window::read(attributes);
  return {convolve(in[0], filter_to_aten(in[1]), window, 1)};
}

/** dy, filter → gradient of the input */
Tensors backward_input(Inputs in, Attributes& attributes) {
  const Window window = Window::read(attributes);
  const Sizes shape = attributes.list();
  return {convolve_backward_input(in[0], filter_to_aten(in[1]), shape, window, 1)};
}

/** x, dy → gradient of the filter */
Tensors backward_filter(Inputs in, Attributes& attributes) {
  const Window window = Window::read(attributes);
  const Sizes shape = attributes.list();
  TORCH_CHECK(shape.size() == 4, "a filter has four axes");
  const Tensor gradient = convolve_backward_filter(in[0], in[1], {shape[3], shape[2], shape[0], shape[1]}, window, 1);
  return {gradient.permute({2, 3, 1, 0})};
}

}  // namespace

void add_convolution_kernels(Registry& registry) {
  registry.push_back({"Conv2D", 2, forward});
  registry.push_back({"Conv2DBackpropInput", 2, backward_input});
  registry.push_back({"Conv2DBackpropFilter", 2, backward_filter});
}

}  // namespace spikescope::training
