#include "row_tiling.h"

#include <algorithm>

namespace spikescope {
namespace {

/** Runs of one kernel row. */
size_t runs_per_row(const Convolution& operation, const Im2colView& view) {
  return view.run_offsets().size() / static_cast<size_t>(operation.window.kernel_height);
}

RowTile tile_of_row(const Tensor& input, const Convolution& operation, const Im2colView& view, int32_t y) {
  const Window& window = operation.window;
  const int32_t top = y * window.stride_height - window.padding.top;
  const int32_t first = std::clamp(-top, 0, window.kernel_height);
  const int32_t end = std::clamp(input.shape.height - top, first, window.kernel_height);
  const size_t runs = runs_per_row(operation, view);
  return {y, 1, static_cast<size_t>(first) * runs, static_cast<size_t>(end - first) * runs};
}

}  // namespace

std::vector<RowTile> tile_rows(const Tensor& input, const Convolution& operation, const Im2colView& view,
                               int32_t least_columns) {
  // Rows of the matrix may be several of the output where windows are single pixels.
  const Window& window = operation.window;
  if (window.padding.none() || window.area() == 1 || view.columns() < least_columns) {
    return {{0, view.rows(), 0, view.run_offsets().size()}};
  }
  std::vector<RowTile> row_tiles;
  for (int32_t y = 0; y < view.rows(); y++) {
    const RowTile tile = tile_of_row(input, operation, view, y);
    if (!row_tiles.empty() && row_tiles.back().has_runs_of(tile)) {
      row_tiles.back().rows++;
    } else {
      row_tiles.push_back(tile);
    }
  }
  return row_tiles;
}

std::vector<int32_t> border_sums(const Convolution& operation, const Im2colView& view, int32_t group,
                                 const RowTile& tile) {
  const auto length = static_cast<size_t>(view.run_length());
  const auto inputs = static_cast<size_t>(view.group_inputs());
  const uint8_t* const values = operation.padding_values.data() + static_cast<size_t>(group) * inputs;
  const LayerRows layer = view.layer_of(group, operation, 0);
  std::vector<int32_t> sums;
  const int8_t* weights = layer.weights;
  for (int32_t channel = 0; channel < layer.channels; channel++) {
    int32_t sum = 0;
    for (size_t run = 0; run < static_cast<size_t>(layer.runs); run++, weights += length) {
      if (run - tile.first_run < tile.runs) continue;
      for (size_t i = 0; i < length; i++) sum += weights[i] * values[i % inputs];
    }
    sums.push_back(sum);
  }
  return sums;
}

}  // namespace spikescope
