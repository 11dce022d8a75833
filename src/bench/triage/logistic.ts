/** Logistic regression of standardised features: the yardstick of any score that is not fitted. */
import * as statistics from '../../statistics/logistic.ts';

export interface Case {
  readonly features: readonly number[];
  readonly isPositive: boolean;
  /** How much the case counts, positive. */
  readonly weight: number;
}

/** Penalty on the squared coefficients, the intercept free. */
const RIDGE = 1;

/**
 * Fits P(positive) = 1 / (1 + exp(−(w·x + b))) with features standardised over the cases.
 * @returns the probability of any features of the same length, 0…1
 * @throws RangeError without a single case
 */
export function fitLogistic(cases: readonly Case[]): (features: readonly number[]) => number {
  const standardise = standardiserOf(cases);
  const { weights, bias } = statistics.fitLogistic(
    cases.map(({ features, ...rest }) => ({ ...rest, values: standardise(features) })),
    RIDGE,
  );
  return (features) =>
    statistics.sigmoid(standardise(features).reduce((sum, value, i) => sum + weights[i] * value, bias));
}

function standardiserOf(cases: readonly Case[]): (features: readonly number[]) => number[] {
  const size = cases[0]?.features.length ?? 0;
  const means = Array.from({ length: size }, (_, i) => mean(cases.map(({ features }) => features[i])));
  const deviations = means.map(
    (centre, i) => Math.sqrt(mean(cases.map(({ features }) => (features[i] - centre) ** 2))) || 1,
  );
  return (features) => features.map((value, i) => (value - means[i]) / deviations[i]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
