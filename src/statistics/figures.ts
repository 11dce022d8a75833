import { bootstrapIntervals, type Intervals } from './bootstrap.ts';
import { type ClassMetrics, type Metrics, measure, type Summary } from './metrics.ts';
import type { Prediction } from './prediction.ts';

/** The figures of one model, integer or float. */
export interface Figures extends Summary {
  readonly perClass: Readonly<Record<string, ClassMetrics>>;
  /** [true class][most probable class], in the order of `classes`. */
  readonly confusion: readonly (readonly number[])[];
  readonly intervals: Intervals;
}

/** Figures with intervals, and the bins for the charts. */
export function figuresOf(
  classes: readonly string[],
  predictions: readonly Prediction[],
): { figures: Figures; metrics: Metrics } {
  const metrics = measure(classes, predictions);
  const { top1, macroF1, balancedAccuracy, macroAuc, ece, perClass, confusion } = metrics;
  const intervals = bootstrapIntervals(classes, predictions);
  return {
    figures: { top1, macroF1, balancedAccuracy, macroAuc, ece, perClass, confusion, intervals },
    metrics,
  };
}
