#include <limits>

#include "window.h"

namespace spikescope::training {
namespace {

struct Pool {
  Window window;
  std::array<int64_t, 2> kernel;
  Border border;

  /** Window, kernel height and width. */
  static Pool read(Attributes& attributes, const Tensor& x) {
    TORCH_CHECK(x.dim() == 4, "expected a tensor of four axes");
    Pool pool{};
    pool.window = Window::read(attributes);
    for (int64_t& extent : pool.kernel) {
      extent = attributes.integer();
      TORCH_CHECK(extent >= 1, "a window's extent starts at 1");
    }
    TORCH_CHECK(pool.window.dilation[0] == 1 && pool.window.dilation[1] == 1, "dilated pooling");
    pool.border = pool.window.border(x.size(1), x.size(2), pool.kernel[0], pool.kernel[1]);
    return pool;
  }

  bool bordered() const { return border.top + border.bottom + border.left + border.right > 0; }

  Tensor sum(const Tensor& nchw) const { return at::avg_pool2d(nchw, kernel, window.stride, 0, false, true, 1); }

  /** Pixels of the image under each window, [1, 1, height, width]. */
  Tensor counts(const Tensor& x) const {
    return sum(to_channels_first(padded(at::ones({1, x.size(1), x.size(2), 1}), border, 0)));
  }

  Tensor filled(const Tensor& x, double value) const { return bordered() ? padded(x, border, value) : x; }
};

Tensors average(Inputs in, Attributes& attributes) {
  const Pool pool = Pool::read(attributes, in[0]);
  if (!pool.bordered()) {
    return {to_channels_last(at::avg_pool2d(to_channels_first(in[0]), pool.kernel, pool.window.stride))};
  }
  const Tensor sums = pool.sum(to_channels_first(pool.filled(in[0], 0)));
  return {to_channels_last(sums.div_(pool.counts(in[0])))};
}

/** dy, x → gradient of x */
Tensors average_gradient(Inputs in, Attributes& attributes) {
  const Pool pool = Pool::read(attributes, in[1]);
  const Tensor image = to_channels_first(pool.filled(in[1], 0));
  const Tensor dy = to_channels_first(in[0]);
  if (!pool.bordered()) {
    const auto& stride = pool.window.stride;
    return {to_channels_last(at::avg_pool2d_backward(dy, image, pool.kernel, stride, 0, false, true, c10::nullopt))};
  }
  const Tensor shares = at::div(dy, pool.counts(in[1]));
  const Tensor dx = at::avg_pool2d_backward(shares, image, pool.kernel, pool.window.stride, 0, false, true, 1);
  return {cropped(to_channels_last(dx), pool.border)};
}

Tensors maximum(Inputs in, Attributes& attributes) {
  const Pool pool = Pool::read(attributes, in[0]);
  const Tensor image = to_channels_first(pool.filled(in[0], -std::numeric_limits<float>::infinity()));
  return {to_channels_last(at::max_pool2d(image, pool.kernel, pool.window.stride))};
}

/** dy, x → gradient of x: each window gives its share to its first largest value. */
Tensors maximum_gradient(Inputs in, Attributes& attributes) {
  const Pool pool = Pool::read(attributes, in[1]);
  const auto& stride = pool.window.stride;
  const Tensor image = to_channels_first(pool.filled(in[1], -std::numeric_limits<float>::infinity()));
  const auto [largest, indices] = at::max_pool2d_with_indices(image, pool.kernel, stride);
  const Tensor dx = at::max_pool2d_with_indices_backward(to_channels_first(in[0]), image, pool.kernel, stride, 0, 1, false, indices);
  return {cropped(to_channels_last(dx), pool.border)};
}

}  // namespace

void add_pool_kernels(Registry& registry) {
  registry.push_back({"AvgPool", 1, average});
  registry.push_back({"AvgPoolGrad", 2, average_gradient});
  registry.push_back({"MaxPool", 1, maximum});
  registry.push_back({"MaxPoolGrad", 2, maximum_gradient});
}

}  // namespace spikescope::training
