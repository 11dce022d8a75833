/** The scatter of pooled embeddings: what counts as a large difference between two of them. */

export interface Metric {
  readonly mean: Float64Array;
  /** Inverse of the covariance, features × features, row by row, symmetric. */
  readonly precision: Float64Array;
  /** n × features: the cases less their mean, each moved to where it would lie had it not been measured itself. */
  readonly outlying: Float64Array;
}

/**
 * Share of the mean variance in the covariance's diagonal: there are about as many cases as features, and
 * without it directions in which the cases happen not to differ would count without bounds.
 */
const SHRINKAGE = 0.1;

/** @param pooled n × features, n ≥ 1 */
export function metricOf(pooled: Int16Array, features: number): Metric {
  const n = pooled.length / features;
  const mean = new Float64Array(features);
  for (let i = 0; i < pooled.length; i++) mean[i % features] += pooled[i] / n;
  const precision = inverse(shrunk(covariance(pooled, mean), features), features);
  const outlying = Float64Array.from(pooled, (value, i) => value - mean[i % features]);
  for (let start = 0; start < outlying.length; start += features) {
    const row = outlying.subarray(start, start + features);
    // Without its own share of the covariance a case lies farther out along every direction (Sherman and Morrison 1950).
    const leverage = ((1 - SHRINKAGE) / n) * dot(row, 0, transformed({ precision }, row));
    row.forEach((value, k) => {
      row[k] = value / (1 - leverage);
    });
  }
  return { mean, precision, outlying };
}

/**
 * How far each case lies from the mean along a direction, had it had no part in the covariance. There are about as many
 * cases as features: along the covariance's own directions those that it was made of lie far closer together than others do.
 * @param direction what `transformed` makes of a vector
 */
export function outlyingAlong({ mean, outlying }: Metric, direction: Float64Array): Float64Array {
  const n = outlying.length / mean.length;
  return Float64Array.from({ length: n }, (_, i) => dot(outlying, i * mean.length, direction));
}

/** Root of the mean square of deviations from the mean. */
export function deviationOf(deviations: Float64Array): number {
  return Math.sqrt(deviations.reduce((sum, value) => sum + value * value, 0) / deviations.length);
}

function covariance(pooled: Int16Array, mean: Float64Array): Float64Array {
  const d = mean.length;
  const sums = new Float64Array(d * d);
  const row = new Float64Array(d);
  for (let start = 0; start < pooled.length; start += d) {
    for (let k = 0; k < d; k++) row[k] = pooled[start + k] - mean[k];
    for (let a = 0; a < d; a++) {
      for (let b = 0; b <= a; b++) sums[a * d + b] += row[a] * row[b];
    }
  }
  const n = pooled.length / d;
  for (let a = 0; a < d; a++) {
    for (let b = 0; b <= a; b++) {
      sums[a * d + b] /= n;
      sums[b * d + a] = sums[a * d + b];
    }
  }
  return sums;
}

function shrunk(matrix: Float64Array, d: number): Float64Array {
  let trace = 0;
  for (let a = 0; a < d; a++) trace += matrix[a * d + a];
  // Where no case differs from another, any scale does.
  const share = SHRINKAGE * (trace > 0 ? trace / d : 1);
  const result = matrix.map((value) => (trace > 0 ? (1 - SHRINKAGE) * value : 0));
  for (let a = 0; a < d; a++) result[a * d + a] += share;
  return result;
}

/** Of a symmetric positive definite matrix, by its Cholesky factor L: A⁻¹ = L⁻ᵀ L⁻¹. */
export function inverse(matrix: Float64Array, d: number): Float64Array {
  const lower = cholesky(matrix, d);
  const inverted = new Float64Array(d * d);
  for (let column = 0; column < d; column++) {
    for (let row = column; row < d; row++) {
      let sum = row === column ? 1 : 0;
      for (let k = column; k < row; k++) sum -= lower[row * d + k] * inverted[k * d + column];
      inverted[row * d + column] = sum / lower[row * d + row];
    }
  }
  const result = new Float64Array(d * d);
  for (let k = 0; k < d; k++) {
    for (let a = 0; a <= k; a++) {
      const factor = inverted[k * d + a];
      for (let b = 0; b <= k; b++) result[a * d + b] += factor * inverted[k * d + b];
    }
  }
  return result;
}

function cholesky(matrix: Float64Array, d: number): Float64Array {
  const lower = new Float64Array(d * d);
  for (let a = 0; a < d; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = matrix[a * d + b];
      for (let k = 0; k < b; k++) sum -= lower[a * d + k] * lower[b * d + k];
      lower[a * d + b] = a === b ? Math.sqrt(sum) : sum / lower[b * d + b];
    }
  }
  return lower;
}

/** Inverse covariance times a vector of `features` numbers. */
export function transformed({ precision }: Pick<Metric, 'precision'>, vector: Float64Array): Float64Array {
  return vector.map((_, k) => dot(precision, k * vector.length, vector));
}

/**
 * Of a row of a matrix, from `start` on, and a vector. Four sums at a time: one would wait for each addition before the
 * next.
 */
export function dot(matrix: Float64Array, start: number, vector: Float64Array): number {
  const n = vector.length;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let k = 0;
  for (; k + 3 < n; k += 4) {
    const at = start + k;
    a += matrix[at] * vector[k];
    b += matrix[at + 1] * vector[k + 1];
    c += matrix[at + 2] * vector[k + 2];
    d += matrix[at + 3] * vector[k + 3];
  }
  for (; k < n; k++) a += matrix[start + k] * vector[k];
  return a + b + (c + d);
}
