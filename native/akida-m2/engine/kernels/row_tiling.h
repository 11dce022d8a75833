#pragma once

#include <vector>

#include "im2col_view.h"
#include "packed_layer.h"

namespace spikescope {

/** Neighbouring output rows whose windows have the same kernel rows in the image; the others lie in its border. */
struct RowTile {
  int32_t first_row = 0;
  int32_t rows = 0;
  /** Of the view, those in the image. */
  size_t first_run = 0;
  size_t runs = 0;

  bool has_runs_of(const RowTile& other) const { return first_run == other.first_run && runs == other.runs; }
};

/**
 * Cuts the output into row tiles, so that nothing need be multiplied with the rows of the border.
 * @param least_columns outputs narrower than that make one tile of whole windows
 */
std::vector<RowTile> tile_rows(const Tensor& input, const Convolution& operation, const Im2colView& view,
                               int32_t least_columns);

/** Per channel of `group`: what the runs outside `tile` add to its sum. */
std::vector<int32_t> border_sums(const Convolution& operation, const Im2colView& view, int32_t group,
                                 const RowTile& tile);

}  // namespace spikescope
