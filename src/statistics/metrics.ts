/**
 * What a split says about a model. A class without a single image in the split has no recall, F1 or area: these
 * are null, and macro averages go over the classes that are present. A present class that was never named has
 * precision 0 and F1 0.
 */
import { largestIndex } from '../runtime/inference/readout.ts';
import { orderByScore, type ScoreOrder, weightedAuc } from './auc.ts';
import { assertPredictions, type Prediction } from './prediction.ts';
import { calibrationError, type ReliabilityBin, reliabilityOf } from './reliability.ts';

export interface ClassMetrics {
  /** Images of this class in the split. */
  readonly support: number;
  /** Null when the class is absent and was never named. */
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  /** One against the rest. */
  readonly auc: number | null;
}

/** Headline figures, each 0…1. */
export interface Summary {
  /** Share of images whose most probable class is the true one. */
  readonly top1: number;
  /** Mean F1 over the present classes. */
  readonly macroF1: number;
  /** Mean recall over the present classes. */
  readonly balancedAccuracy: number;
  /** Mean one-against-rest area over the present classes; null when the split holds one class only. */
  readonly macroAuc: number | null;
  /** Expected calibration error, 15 equal-width bins. */
  readonly ece: number;
}

export interface Metrics extends Summary {
  readonly n: number;
  readonly perClass: Readonly<Record<string, ClassMetrics>>;
  /** [true class][most probable class], numbers of images. */
  readonly confusion: readonly (readonly number[])[];
  readonly reliability: readonly ReliabilityBin[];
}

/** Predictions in the form that weighted sums want. */
export interface Prepared {
  readonly classes: readonly string[];
  readonly labels: Uint32Array;
  readonly winners: Uint32Array;
  readonly confidences: Float64Array;
  readonly orders: readonly ScoreOrder[];
}

export function prepare(classes: readonly string[], predictions: readonly Prediction[]): Prepared {
  assertPredictions(classes, predictions);
  return {
    classes,
    labels: Uint32Array.from(predictions, ({ label }) => label),
    winners: Uint32Array.from(predictions, ({ probabilities }) => largestIndex(probabilities)),
    confidences: Float64Array.from(predictions, ({ probabilities }) => Math.max(...probabilities)),
    orders: classes.map((_, c) =>
      orderByScore(Float64Array.from(predictions, ({ probabilities }) => probabilities[c])),
    ),
  };
}

/** Metrics over a split. @throws RangeError when there is no prediction */
export function measure(classes: readonly string[], predictions: readonly Prediction[]): Metrics {
  const prepared = prepare(classes, predictions);
  const weights = new Float64Array(predictions.length).fill(1);
  const confusion = confusionOf(prepared, weights);
  const classMetrics = classMetricsOf(prepared, confusion, weights);
  return {
    n: predictions.length,
    ...summarise(prepared, weights),
    perClass: Object.fromEntries(classes.map((name, c) => [name, classMetrics[c]])),
    confusion,
    reliability: reliabilityOf(prepared.confidences, (i) => prepared.labels[i] === prepared.winners[i]),
  };
}

/** Headline figures when image i counts `weights[i]` times. */
export function summarise(prepared: Prepared, weights: ArrayLike<number>): Summary {
  const { labels, winners, confidences } = prepared;
  const confusion = confusionOf(prepared, weights);
  const present = classMetricsOf(prepared, confusion, weights).filter(({ support }) => support > 0);
  const total = confusion.flat().reduce((sum, count) => sum + count, 0);
  const right = confusion.reduce((sum, row, c) => sum + row[c], 0);
  return {
    top1: right / total,
    macroF1: meanOf(present.map(({ f1 }) => f1)) ?? 0,
    balancedAccuracy: meanOf(present.map(({ recall }) => recall)) ?? 0,
    macroAuc: meanOf(present.map(({ auc }) => auc)),
    ece: calibrationError(reliabilityOf(confidences, (i) => labels[i] === winners[i], weights)),
  };
}

/** Recall of each class when image i counts `weights[i]` times; null for a class without images. */
export function recallsOf(
  { classes, labels, winners }: Prepared,
  weights: ArrayLike<number>,
): (number | null)[] {
  const support = new Float64Array(classes.length);
  const hits = new Float64Array(classes.length);
  labels.forEach((label, i) => {
    support[label] += weights[i];
    if (winners[i] === label) hits[label] += weights[i];
  });
  return Array.from(support, (count, c) => (count === 0 ? null : hits[c] / count));
}

function confusionOf({ classes, labels, winners }: Prepared, weights: ArrayLike<number>): number[][] {
  const confusion = classes.map(() => classes.map(() => 0));
  for (let i = 0; i < labels.length; i++) confusion[labels[i]][winners[i]] += weights[i];
  return confusion;
}

function classMetricsOf(
  { classes, labels, orders }: Prepared,
  confusion: readonly (readonly number[])[],
  weights: ArrayLike<number>,
): ClassMetrics[] {
  return classes.map((_, c) => {
    const support = confusion[c].reduce((sum, count) => sum + count, 0);
    const named = confusion.reduce((sum, row) => sum + row[c], 0);
    const hits = confusion[c][c];
    if (support === 0) {
      return { support, precision: named === 0 ? null : 0, recall: null, f1: null, auc: null };
    }
    return {
      support,
      precision: named === 0 ? 0 : hits / named,
      recall: hits / support,
      f1: (2 * hits) / (support + named),
      auc: weightedAuc(orders[c], (i) => labels[i] === c, weights),
    };
  });
}

/** Mean of what is not null; null when nothing is left. */
function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
