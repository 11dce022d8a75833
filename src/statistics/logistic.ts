/** Ridge logistic regression by Newton's method. */
import { Matrix, solve } from 'ml-matrix';

export interface LogisticCase {
  readonly values: ArrayLike<number>;
  readonly isPositive: boolean;
  /** How much the case counts, positive. */
  readonly weight: number;
}

/** Log odds = bias + Σ weights · values. */
export interface Logistic {
  readonly weights: Float64Array;
  readonly bias: number;
}

/** Newton's method doubles the right digits each round; far fewer rounds are needed. */
const ROUNDS = 50;
const CONVERGED = 1e-10;

/**
 * @param cases of equally many finite values
 * @param ridge half of it weighs the squared weights beside the sum of the cases' losses; the bias is free
 * @throws RangeError without a single case
 */
export function fitLogistic(cases: readonly LogisticCase[], ridge: number): Logistic {
  if (cases.length === 0) throw new RangeError('A regression needs at least one case');
  const size = cases[0].values.length + 1;
  let coefficients = new Float64Array(size);
  for (let round = 0; round < ROUNDS; round++) {
    const { slope, curvature } = derivatives(cases, ridge, coefficients);
    const step = solve(
      new Matrix(
        Array.from({ length: size }, (_, i) => Array.from(curvature.subarray(i * size, (i + 1) * size))),
      ),
      Matrix.columnVector(Array.from(slope)),
    ).to1DArray();
    coefficients = coefficients.map((value, i) => value - step[i]);
    if (step.every((part) => Math.abs(part) < CONVERGED)) break;
  }
  return { weights: coefficients.slice(0, -1), bias: coefficients[size - 1] };
}

/** Of the penalised loss; the last coefficient is the bias. */
function derivatives(cases: readonly LogisticCase[], ridge: number, coefficients: Float64Array) {
  const size = coefficients.length;
  const slope = coefficients.map((value, i) => (i < size - 1 ? ridge * value : 0));
  const curvature = new Float64Array(size * size);
  const row = new Float64Array(size).fill(1);
  for (const { values, isPositive, weight } of cases) {
    row.set(values);
    const p = sigmoid(row.reduce((sum, value, i) => sum + value * coefficients[i], 0));
    // A trace keeps the system solvable where all cases are certain.
    const bend = weight * Math.max(p * (1 - p), 1e-9);
    for (let i = 0; i < size; i++) {
      slope[i] += weight * (p - Number(isPositive)) * row[i];
      const scaled = bend * row[i];
      for (let j = 0; j <= i; j++) curvature[i * size + j] += scaled * row[j];
    }
  }
  for (let i = 0; i < size; i++) {
    for (let j = i + 1; j < size; j++) curvature[i * size + j] = curvature[j * size + i];
    if (i < size - 1) curvature[i * size + i] += ridge;
  }
  return { slope, curvature };
}

export function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
