import * as statistics from '../../statistics/logistic.ts';

/** Weight of the ridge beside the mean loss. */
const RIDGE = 5e-3;

/** Logistic regression, both classes weighing the same. @throws RangeError where a class has no row */
export function fitLogistic(
  negatives: readonly Float64Array[],
  positives: readonly Float64Array[],
): statistics.Logistic {
  if (negatives.length === 0 || positives.length === 0) throw new RangeError('Both classes need a row');
  const casesOf = (rows: readonly Float64Array[], isPositive: boolean) =>
    rows.map((values) => ({ values, isPositive, weight: 0.5 / rows.length }));
  return statistics.fitLogistic([...casesOf(negatives, false), ...casesOf(positives, true)], RIDGE);
}
