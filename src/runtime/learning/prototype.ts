/**
 * The row of an added class: how many standard deviations a case lies out from the mean of all embeddings in the direction
 * of the class's own cases, which is that of linear discriminant analysis (Fisher 1936; one case at a time, Hayes and Kanan
 * 2020). Where the class begins comes from the spread of all the others, not from its few cases: these lie farther out along
 * a direction that was drawn through them than others of their kind do. So one case suffices.
 */
import { type Correction, quantised, realOf } from './correction.ts';
import { deviationAlong, dot, type Metric, transformed } from './metric.ts';

/** Standard deviations from which on a case is taken for one of the added class. */
const THRESHOLD = 2.75;

/** The correction with one more class, which names nothing yet. @param alpha logits of a potential */
export function withClass(correction: Correction, name: string, alpha: number): Correction {
  const { classes, features, weights, bias } = correction;
  const wider = new Int16Array((classes.length + 1) * features);
  wider.set(weights);
  const start = -Math.round(THRESHOLD / alpha);
  return { ...correction, classes: [...classes, name], weights: wider, bias: Int32Array.of(...bias, start) };
}

/**
 * The correction with the row of an added class drawn anew; one standard deviation counts one logit. The others stay as they
 * are, but for rounding where the new row needs coarser steps.
 * @param label index of the class
 * @param cases pooled embeddings of the class, at least one
 */
export function withPrototype(
  correction: Correction,
  label: number,
  cases: readonly Int16Array[],
  { metric, alpha }: { readonly metric: Metric; readonly alpha: number },
): Correction {
  const { mean } = metric;
  const away = mean.map(
    (value, k) => cases.reduce((sum, pooled) => sum + pooled[k], 0) / cases.length - value,
  );
  const direction = transformed(metric, away);
  // Cases that differ in nothing from all others give no direction, and name nothing.
  const deviation = deviationAlong(metric, direction) || Number.POSITIVE_INFINITY;
  const row = direction.map((weight) => weight / (deviation * alpha));
  const real = realOf(correction);
  real.weights.set(row, label * mean.length);
  real.bias[label] = -THRESHOLD / alpha - dot(row, 0, mean);
  return quantised(real, correction);
}
