/**
 * The row of an added class: how many standard deviations a case lies out from the mean of all embeddings in the direction
 * of the class's own cases, which is that of linear discriminant analysis (Fisher 1936; one case at a time, Hayes and Kanan
 * 2020). Where the class begins comes from the others, not from its few cases: these lie farther out along a direction that
 * was drawn through them than others of their kind do. So one case suffices, and a class that resembles one of the others
 * begins farther out than one that resembles none.
 */

import type { Background } from './background.ts';
import { type Correction, quantised, realOf } from './correction.ts';
import { deviationOf, dot, outlyingAlong, transformed } from './metric.ts';

/** What an added class may take of the answers that the factory head gives, each answer counting the same. */
const TAKEN = 0.01;
/**
 * Logits that a standard deviation counts. A class that is added may count as malignant: the probability that it takes of
 * lesions that lie where most lie, more than half a deviation inside its boundary, must be small beside triage's threshold.
 */
const STEEPNESS = 5;
/** Standard deviations: nothing is so far out. */
const FARTHEST = 64;

export interface PrototypeOptions extends Background {
  /** Logits of a potential. */
  readonly alpha: number;
}

/**
 * The correction with one more class, which names nothing yet.
 * @param alpha logits of a potential
 * @param isBenign whether its lesions are known to be; otherwise they count as malignant
 */
export function withClass(correction: Correction, name: string, alpha: number, isBenign = false): Correction {
  const { classes, features, weights, bias } = correction;
  const benign = isBenign ? [...correction.benign, name] : correction.benign;
  const wider = new Int16Array((classes.length + 1) * features);
  wider.set(weights);
  const start = -Math.round(STEEPNESS / alpha);
  return {
    ...{ ...correction, classes: [...classes, name], benign },
    ...{ weights: wider, bias: Int32Array.of(...bias, start) },
  };
}

/**
 * The correction with the row of an added class drawn anew. The others stay as they
 * are, but for rounding where the new row needs coarser steps.
 * @param label index of the class
 * @param cases pooled embeddings of the class, at least one
 */
export function withPrototype(
  correction: Correction,
  label: number,
  cases: readonly Int16Array[],
  { metric, alpha, named }: PrototypeOptions,
): Correction {
  const { mean } = metric;
  const away = mean.map(
    (value, k) => cases.reduce((sum, pooled) => sum + pooled[k], 0) / cases.length - value,
  );
  const direction = transformed(metric, away);
  const along = outlyingAlong(metric, direction);
  // Cases that differ in nothing from all others give no direction, and name nothing.
  const deviation = deviationOf(along) || Number.POSITIVE_INFINITY;
  const begins = boundary(
    along.map((value) => value / deviation),
    named,
  );
  const row = direction.map((weight) => (STEEPNESS * weight) / (deviation * alpha));
  const real = realOf(correction);
  real.weights.set(row, label * mean.length);
  real.bias[label] = (-STEEPNESS * begins) / alpha - dot(row, 0, mean);
  return quantised(real, correction);
}

/**
 * Standard deviations from which on a case is taken for one of the added class: so far out that `TAKEN` of each answer's
 * cases lies beyond it, on average over the answers. Each case counts by the probability that it takes.
 * @param outlying how far out each case lies, in standard deviations
 */
export function boundary(outlying: Float64Array, named: readonly number[]): number {
  const sizes = new Map<number, number>();
  for (const answer of named) sizes.set(answer, (sizes.get(answer) ?? 0) + 1);
  const weights = named.map((answer) => 1 / (sizes.size * (sizes.get(answer) ?? 1)));
  const takenFrom = (start: number) =>
    weights.reduce((sum, weight, i) => sum + weight / (1 + Math.exp(STEEPNESS * (start - outlying[i]))), 0);
  let [near, far] = [0, FARTHEST];
  while (far - near > 1e-6) {
    const middle = (near + far) / 2;
    if (takenFrom(middle) > TAKEN) near = middle;
    else far = middle;
  }
  return far;
}
