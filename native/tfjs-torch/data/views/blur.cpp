#include "blur.h"

#include <cmath>

#include "mirrored.h"
#include "target.h"

namespace spikescope::views {
namespace {

std::vector<float> gaussian_weights(double deviation) {
  const auto reach = static_cast<int64_t>(std::ceil(3 * deviation));
  std::vector<double> weights;
  double sum = 0;
  for (int64_t i = -reach; i <= reach; i++) {
    const double distance = static_cast<double>(i) / deviation;
    weights.push_back(std::exp(-distance * distance / 2));
    sum += weights.back();
  }
  std::vector<float> result;
  for (const double weight : weights) result.push_back(static_cast<float>(weight / sum));
  return result;
}

SPIKESCOPE_WIDE void add_scaled(const float* __restrict values, float weight, int64_t count,
                                float* __restrict sums) {
  for (int64_t i = 0; i < count; i++) sums[i] += weight * values[i];
}

/** @param line holds a row and what its mirrors show */
void blur_rows(float* plane, int64_t size, const std::vector<float>& weights, float* line) {
  const auto reach = static_cast<int64_t>(weights.size() / 2);
  for (int64_t y = 0; y < size; y++) {
    float* const row = plane + y * size;
    for (int64_t x = -reach; x < size + reach; x++) line[x + reach] = row[mirrored(x, size)];
    for (int64_t x = 0; x < size; x++) row[x] = 0;
    for (size_t i = 0; i < weights.size(); i++) add_scaled(line + i, weights[i], size, row);
  }
}

void blur_columns(float* plane, int64_t size, const std::vector<float>& weights, float* copy) {
  const auto reach = static_cast<int64_t>(weights.size() / 2);
  for (int64_t i = 0; i < size * size; i++) copy[i] = plane[i];
  for (int64_t y = 0; y < size; y++) {
    float* const row = plane + y * size;
    for (int64_t x = 0; x < size; x++) row[x] = 0;
    for (int64_t i = -reach; i <= reach; i++) {
      add_scaled(copy + mirrored(y + i, size) * size, weights[static_cast<size_t>(i + reach)], size, row);
    }
  }
}

}  // namespace

void blur(const View& view, const Planes& planes, std::vector<float>& scratch) {
  if (view.blur_sigma == 0) return;
  const int64_t size = planes.size;
  const std::vector<float> weights = gaussian_weights(view.blur_sigma * static_cast<double>(size));
  scratch.resize(static_cast<size_t>(size * size) + static_cast<size_t>(size) + weights.size());
  for (float* const plane : {planes.red, planes.green, planes.blue}) {
    blur_rows(plane, size, weights, scratch.data());
    blur_columns(plane, size, weights, scratch.data());
  }
}

}  // namespace spikescope::views
