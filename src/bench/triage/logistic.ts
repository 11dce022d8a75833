/** Logistic regression with a ridge, by Newton's method: the yardstick of any score that is not fitted. */
import { Matrix, solve } from 'ml-matrix';

export interface Case {
  readonly features: readonly number[];
  readonly isPositive: boolean;
  /** How much the case counts, positive. */
  readonly weight: number;
}

/** Penalty on the squared coefficients of standardised features, the intercept free. */
const RIDGE = 1;
/** Newton's method doubles the right digits each round; far fewer rounds are needed. */
const ROUNDS = 50;
const CONVERGED = 1e-10;

/**
 * Fits P(positive) = 1 / (1 + exp(−(w·x + b))) with features standardised over the cases.
 * @returns the probability of any features of the same length, 0…1
 * @throws RangeError without a single case
 */
export function fitLogistic(cases: readonly Case[]): (features: readonly number[]) => number {
  if (cases.length === 0) throw new RangeError('A regression needs at least one case');
  const standardise = standardiserOf(cases);
  const rows = cases.map(({ features }) => [...standardise(features), 1]);
  const size = rows[0].length;
  let coefficients = new Float64Array(size);
  for (let round = 0; round < ROUNDS; round++) {
    const { gradient, curvature } = slopesAt(coefficients, rows, cases);
    const step = solve(curvature, Matrix.columnVector(gradient)).to1DArray();
    coefficients = coefficients.map((value, i) => value - step[i]);
    if (Math.max(...step.map(Math.abs)) < CONVERGED) break;
  }
  return (features) => sigmoid(dot(coefficients, [...standardise(features), 1]));
}

/** Gradient and Hessian of the penalised negative log-likelihood. */
function slopesAt(coefficients: Float64Array, rows: readonly number[][], cases: readonly Case[]) {
  const size = coefficients.length;
  const ridge = (i: number) => (i === size - 1 ? 0 : RIDGE);
  const gradient = Array.from(coefficients, (value, i) => ridge(i) * value);
  const curvature = Matrix.zeros(size, size);
  // A trace keeps the system solvable where no case is left to learn the intercept from.
  for (let i = 0; i < size; i++) curvature.set(i, i, ridge(i) + 1e-9);
  rows.forEach((row, n) => {
    const { isPositive, weight } = cases[n];
    const p = sigmoid(dot(coefficients, row));
    for (let i = 0; i < size; i++) {
      gradient[i] += weight * (p - Number(isPositive)) * row[i];
      for (let j = 0; j < size; j++) {
        curvature.set(i, j, curvature.get(i, j) + weight * p * (1 - p) * row[i] * row[j]);
      }
    }
  });
  return { gradient, curvature };
}

function standardiserOf(cases: readonly Case[]): (features: readonly number[]) => number[] {
  const size = cases[0].features.length;
  const means = Array.from({ length: size }, (_, i) => mean(cases.map(({ features }) => features[i])));
  const deviations = means.map(
    (centre, i) => Math.sqrt(mean(cases.map(({ features }) => (features[i] - centre) ** 2))) || 1,
  );
  return (features) => features.map((value, i) => (value - means[i]) / deviations[i]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function dot(a: Float64Array, b: readonly number[]): number {
  return b.reduce((sum, value, i) => sum + a[i] * value, 0);
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
