/** A normal distribution by its strongest axes (Tipping and Bishop: Probabilistic Principal Component Analysis, 1999). */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import type { GaussianSection } from '../../model/bundle/scope-section.ts';

/** Share of the mean variance that every direction has at least: what never varies among points may among others. */
const FLOOR = 1e-3;

/**
 * @param points rows of equally many finite values
 * @param most axes that are kept; what the others hold is spread evenly over them
 * @throws RangeError without a point
 */
export function fitGaussian(points: readonly ArrayLike<number>[], most: number): GaussianSection {
  if (points.length === 0) throw new RangeError('No distribution without a point');
  const features = points[0].length;
  const mean = new Float32Array(features);
  for (let i = 0; i < features; i++) {
    mean[i] = points.reduce((sum, point) => sum + point[i], 0) / points.length;
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance(points, mean), {
    assumeSymmetric: true,
  });
  // Rising, as the decomposition of a symmetric matrix gives them.
  const order = realEigenvalues.map((_, i) => features - 1 - i);
  const total = realEigenvalues.reduce((sum, value) => sum + Math.max(0, value), 0);
  const floor = Math.max(1e-10, (FLOOR * total) / features);
  const variances = order.map((column) => Math.max(floor, realEigenvalues[column]));
  const rank = Math.min(most, features);
  const rest = variances.slice(rank);
  return {
    mean,
    axes: Float32Array.from(order.slice(0, rank).flatMap((column) => eigenvectorMatrix.getColumn(column))),
    deviations: Float32Array.from(variances.slice(0, rank), Math.sqrt),
    restDeviation:
      rest.length === 0 ? null : Math.sqrt(rest.reduce((sum, value) => sum + value, 0) / rest.length),
  };
}

function covariance(points: readonly ArrayLike<number>[], mean: Float32Array): Matrix {
  const features = mean.length;
  const sums = new Float64Array(features * features);
  const offset = new Float64Array(features);
  for (const point of points) {
    for (let i = 0; i < features; i++) offset[i] = point[i] - mean[i];
    for (let i = 0; i < features; i++) {
      for (let j = i; j < features; j++) sums[i * features + j] += offset[i] * offset[j];
    }
  }
  const entry = (i: number, j: number) => sums[Math.min(i, j) * features + Math.max(i, j)] / points.length;
  return new Matrix(
    Array.from({ length: features }, (_, i) => Array.from({ length: features }, (_, j) => entry(i, j))),
  );
}
