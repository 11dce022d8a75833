/** Ridge logistic regression, both classes weighing the same, by Newton's method. */
import { Matrix, solve } from 'ml-matrix';

/** Weight of the ridge beside the mean loss. */
const RIDGE = 5e-3;
const ROUNDS = 25;
/** Newton has arrived where no coefficient moves more. */
const TOLERANCE = 1e-6;

/** Log odds = bias + Σ weights · values. */
export interface Logistic {
  readonly weights: Float64Array;
  readonly bias: number;
}

/** @throws RangeError where a class has no row */
export function fitLogistic(
  negatives: readonly Float64Array[],
  positives: readonly Float64Array[],
): Logistic {
  if (negatives.length === 0 || positives.length === 0) throw new RangeError('Both classes need a row');
  const groups = [
    { rows: negatives, label: 0, weight: 0.5 / negatives.length },
    { rows: positives, label: 1, weight: 0.5 / positives.length },
  ];
  const size = negatives[0].length + 1;
  let coefficients = new Float64Array(size);
  for (let round = 0; round < ROUNDS; round++) {
    const { slope, curvature } = derivatives(groups, coefficients);
    const step = solve(
      new Matrix(
        Array.from({ length: size }, (_, i) => Array.from(curvature.subarray(i * size, (i + 1) * size))),
      ),
      Matrix.columnVector(Array.from(slope)),
    ).to1DArray();
    coefficients = coefficients.map((value, i) => value - step[i]);
    if (step.every((part) => Math.abs(part) < TOLERANCE)) break;
  }
  return { weights: coefficients.slice(0, -1), bias: coefficients[size - 1] };
}

interface Group {
  readonly rows: readonly Float64Array[];
  readonly label: number;
  readonly weight: number;
}

/** Of the loss; the last coefficient is the bias, which the ridge leaves alone. */
function derivatives(groups: readonly Group[], coefficients: Float64Array) {
  const size = coefficients.length;
  const slope = coefficients.map((value, i) => (i < size - 1 ? RIDGE * value : 0));
  const curvature = new Float64Array(size * size);
  const row = new Float64Array(size).fill(1);
  for (const { rows, label, weight } of groups) {
    for (const values of rows) {
      row.set(values);
      const p = 1 / (1 + Math.exp(-row.reduce((sum, value, i) => sum + value * coefficients[i], 0)));
      const bend = weight * Math.max(p * (1 - p), 1e-9);
      for (let i = 0; i < size; i++) {
        slope[i] += weight * (p - label) * row[i];
        const scaled = bend * row[i];
        for (let j = 0; j <= i; j++) curvature[i * size + j] += scaled * row[j];
      }
    }
  }
  for (let i = 0; i < size; i++) {
    for (let j = i + 1; j < size; j++) curvature[i * size + j] = curvature[j * size + i];
    if (i < size - 1) curvature[i * size + i] += RIDGE;
  }
  return { slope, curvature };
}
