/** Sensor noise and the focus that is left without it, on the working square. */

/** Side of the square on which luminance, focus and noise are measured, pixels (see `QualitySums`). */
export const WORKING_SIDE = 128;

/** A normal value's standard deviation over its median absolute value. */
const DEVIATION_OF_MEDIAN = 1.4826;
/** Standard deviation of `residualOf` and variance of the Laplacian, of white noise of variance 1. */
const RESIDUAL_OF_NOISE = 6;
const FOCUS_OF_NOISE = 20;
/**
 * A frame without any detail shows up to so much more focus than its noise, since noise that a camera has smoothed is
 * stronger in the Laplacian than in the finer residual (measured: docs/design/preprocessing.md).
 */
const ALLOWANCE = 1.15;

/**
 * Standard deviation of noise in luminance, grey levels. Immerkær's residual (Computer Vision and Image Understanding 64,
 * 1996), which is blind to edges and shading, and of it the median where he takes the mean: texture, hairs and edges fill
 * less than half of a frame.
 * @param luminance 0…255, WORKING_SIDE × WORKING_SIDE
 */
export function noiseOf(luminance: Uint8Array): number {
  const counts = new Int32Array(LARGEST_RESIDUAL + 1);
  for (let y = 1; y < WORKING_SIDE - 1; y++) {
    for (let x = 1; x < WORKING_SIDE - 1; x++)
      counts[Math.abs(residualOf(luminance, y * WORKING_SIDE + x))]++;
  }
  return (medianOf(counts) * DEVIATION_OF_MEDIAN) / RESIDUAL_OF_NOISE;
}

/** Variance of the Laplacian that noise does not explain, never below 0. */
export function focusBeyondNoise(focus: number, noise: number): number {
  return Math.max(0, focus - ALLOWANCE * FOCUS_OF_NOISE * noise ** 2);
}

const LARGEST_RESIDUAL = 8 * 255;

/** 1 −2 1 across and down: what no plane, no straight edge along the axes and no even curve leaves. */
function residualOf(values: Uint8Array, at: number): number {
  const [up, down] = [at - WORKING_SIDE, at + WORKING_SIDE];
  const corners = values[up - 1] + values[up + 1] + values[down - 1] + values[down + 1];
  const sides = values[up] + values[down] + values[at - 1] + values[at + 1];
  return corners - 2 * sides + 4 * values[at];
}

/** Median of the whole numbers counted, as if those of one value were spread evenly around it, none of them below 0. */
function medianOf(counts: Int32Array): number {
  const half = counts.reduce((sum, count) => sum + count, 0) / 2;
  let value = 0;
  let before = 0;
  while (before + counts[value] < half) before += counts[value++];
  const width = value === 0 ? 0.5 : 1;
  return Math.max(0, value - 0.5) + (width * (half - before)) / counts[value];
}
