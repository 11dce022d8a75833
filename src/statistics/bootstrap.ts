import { prepare, recallsOf, type Summary, summarise } from './metrics.ts';
import type { Prediction } from './prediction.ts';
import {
  type Interval,
  percentileInterval,
  RESAMPLING,
  type ResamplingOptions,
  resamplesOf,
  unitsOf,
} from './resampling.ts';

export interface Intervals {
  /** Null where a figure is undefined in the split. */
  readonly values: Readonly<Record<keyof Summary, Interval | null>>;
  /** Of each class's recall. */
  readonly recall: Readonly<Record<string, Interval | null>>;
  readonly level: number;
  readonly resamples: number;
  readonly seed: number;
  /** What was drawn with replacement: whole lesions where their identifiers are known, else single images. */
  readonly unit: 'lesion' | 'image';
  /** Number of such units. */
  readonly units: number;
}

/** Percentile bootstrap intervals of the headline figures and of each class's recall. */
export function bootstrapIntervals(
  classes: readonly string[],
  predictions: readonly Prediction[],
  options: Partial<ResamplingOptions> = {},
): Intervals {
  const chosen = { ...RESAMPLING, ...options };
  const prepared = prepare(classes, predictions);
  const drawn = Array.from(resamplesOf(predictions, chosen), (weights) => ({
    summary: summarise(prepared, weights),
    recalls: recallsOf(prepared, weights),
  }));
  const interval = (of: (resample: (typeof drawn)[number]) => number | null) =>
    percentileInterval(drawn.map(of), chosen.level);
  return {
    values: {
      top1: interval(({ summary }) => summary.top1),
      macroF1: interval(({ summary }) => summary.macroF1),
      balancedAccuracy: interval(({ summary }) => summary.balancedAccuracy),
      macroAuc: interval(({ summary }) => summary.macroAuc),
      ece: interval(({ summary }) => summary.ece),
    },
    recall: Object.fromEntries(classes.map((name, c) => [name, interval(({ recalls }) => recalls[c])])),
    ...chosen,
    unit: predictions.some(({ group }) => group !== null) ? 'lesion' : 'image',
    units: unitsOf(predictions).length,
  };
}
