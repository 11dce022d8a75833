#pragma once

#include <vector>

#include "packed_layer.h"
#include "window_matrix.h"

namespace spikescope {

/** Neighbouring output rows whose windows have the same kernel rows in the image; the others lie in its border. */
struct RowBand {
  int32_t first_row = 0;
  int32_t rows = 0;
  /** Of the matrix, those in the image. */
  size_t first_run = 0;
  size_t runs = 0;

  bool has_runs_of(const RowBand& other) const { return first_run == other.first_run && runs == other.runs; }
};

/**
 * Cuts the output into bands, so that nothing need be multiplied with the rows of the border.
 * @param least_columns outputs narrower than that make one band of whole windows
 */
std::vector<RowBand> row_bands(const Tensor& input, const Convolution& operation, const WindowMatrix& matrix,
                               int32_t least_columns);

/** Per channel of `group`: what the runs outside `band` add to its sum. */
std::vector<int32_t> border_sums(const Convolution& operation, const WindowMatrix& matrix, int32_t group,
                                 const RowBand& band);

}  // namespace spikescope
