/** How much better one model is than another on the same images. */
import { prepare, recallsOf, type Summary, summarise } from './metrics.ts';
import type { Prediction } from './prediction.ts';
import {
  type Interval,
  percentileInterval,
  RESAMPLING,
  type ResamplingOptions,
  resamplesOf,
} from './resampling.ts';

/** Second minus first; the interval holds 0 where the images do not decide between the two. */
export interface Difference {
  readonly value: number | null;
  readonly interval: Interval | null;
}

export interface Differences {
  readonly values: Readonly<Record<keyof Summary, Difference>>;
  /** Of each class's recall. */
  readonly recall: Readonly<Record<string, Difference>>;
}

/**
 * Paired bootstrap: every resample measures both models on the same lesions, so that what is common to both cancels.
 * @throws RangeError where the two are not about the same images in the same order
 */
export function bootstrapDifferences(
  classes: readonly string[],
  first: readonly Prediction[],
  second: readonly Prediction[],
  options: Partial<ResamplingOptions> = {},
): Differences {
  const same =
    first.length === second.length &&
    first.every(({ label, group }, i) => label === second[i].label && group === second[i].group);
  if (!same) throw new RangeError('The predictions of the two models are not about the same images');
  const chosen = { ...RESAMPLING, ...options };
  const [a, b] = [prepare(classes, first), prepare(classes, second)];
  const measured = (weights: ArrayLike<number>) => ({
    before: { ...summarise(a, weights), recalls: recallsOf(a, weights) },
    after: { ...summarise(b, weights), recalls: recallsOf(b, weights) },
  });
  type Pair = ReturnType<typeof measured>;
  const whole = measured(new Float64Array(first.length).fill(1));
  const drawn = Array.from(resamplesOf(first, chosen), measured);
  const difference = (of: (side: Pair['before']) => number | null): Difference => {
    const between = ({ before, after }: Pair) => minus(of(after), of(before));
    return { value: between(whole), interval: percentileInterval(drawn.map(between), chosen.level) };
  };
  return {
    values: {
      top1: difference(({ top1 }) => top1),
      macroF1: difference(({ macroF1 }) => macroF1),
      balancedAccuracy: difference(({ balancedAccuracy }) => balancedAccuracy),
      macroAuc: difference(({ macroAuc }) => macroAuc),
      ece: difference(({ ece }) => ece),
    },
    recall: Object.fromEntries(classes.map((name, c) => [name, difference(({ recalls }) => recalls[c])])),
  };
}

function minus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}
