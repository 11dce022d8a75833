#include "row_bands.h"

#include <algorithm>

namespace spikescope {
namespace {

/** Runs of one kernel row. */
size_t runs_per_row(const Convolution& operation, const WindowMatrix& matrix) {
  return matrix.run_offsets().size() / static_cast<size_t>(operation.window.kernel_height);
}

RowBand band_of_row(const Tensor& input, const Convolution& operation, const WindowMatrix& matrix, int32_t y) {
  const Window& window = operation.window;
  const int32_t top = y * window.stride_height - window.padding.top;
  const int32_t first = std::clamp(-top, 0, window.kernel_height);
  const int32_t end = std::clamp(input.shape.height - top, first, window.kernel_height);
  const size_t runs = runs_per_row(operation, matrix);
  return {y, 1, static_cast<size_t>(first) * runs, static_cast<size_t>(end - first) * runs};
}

}  // namespace

std::vector<RowBand> row_bands(const Tensor& input, const Convolution& operation, const WindowMatrix& matrix,
                               int32_t least_columns) {
  // Rows of the matrix may be several of the output where windows are single pixels.
  const Window& window = operation.window;
  if (window.padding.none() || window.area() == 1 || matrix.columns() < least_columns) {
    return {{0, matrix.rows(), 0, matrix.run_offsets().size()}};
  }
  std::vector<RowBand> bands;
  for (int32_t y = 0; y < matrix.rows(); y++) {
    const RowBand band = band_of_row(input, operation, matrix, y);
    if (!bands.empty() && bands.back().has_runs_of(band)) {
      bands.back().rows++;
    } else {
      bands.push_back(band);
    }
  }
  return bands;
}

std::vector<int32_t> border_sums(const Convolution& operation, const WindowMatrix& matrix, int32_t group,
                                 const RowBand& band) {
  const auto length = static_cast<size_t>(matrix.run_length());
  const auto inputs = static_cast<size_t>(matrix.group_inputs());
  const uint8_t* const values = operation.padding_values.data() + static_cast<size_t>(group) * inputs;
  const LayerRows layer = matrix.layer_of(group, operation, 0);
  std::vector<int32_t> sums;
  const int8_t* weights = layer.weights;
  for (int32_t channel = 0; channel < layer.channels; channel++) {
    int32_t sum = 0;
    for (size_t run = 0; run < static_cast<size_t>(layer.runs); run++, weights += length) {
      if (run - band.first_run < band.runs) continue;
      for (size_t i = 0; i < length; i++) sum += weights[i] * values[i % inputs];
    }
    sums.push_back(sum);
  }
  return sums;
}

}  // namespace spikescope
