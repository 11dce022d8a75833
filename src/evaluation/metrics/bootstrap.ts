import { seededRandom } from '../random.ts';
import { prepare, type Summary, summarise } from './metrics.ts';
import type { Prediction } from './prediction.ts';

/** Lower and upper end. */
export type Interval = readonly [low: number, high: number];

export interface Intervals {
  /** Null where a figure is undefined in the split. */
  readonly values: Readonly<Record<keyof Summary, Interval | null>>;
  readonly level: number;
  readonly resamples: number;
  readonly seed: number;
  /** What was drawn with replacement: whole lesions where their identifiers are known, else single images. */
  readonly unit: 'lesion' | 'image';
  /** Number of such units. */
  readonly units: number;
}

const FIGURES = ['top1', 'macroF1', 'balancedAccuracy', 'macroAuc', 'ece'] as const;

/**
 * Percentile bootstrap intervals of the headline figures. Photos of one lesion resemble each other, so lesions are
 * drawn, not images: drawing images would state intervals that are too narrow. Same seed, same intervals.
 */
export function bootstrapIntervals(
  classes: readonly string[],
  predictions: readonly Prediction[],
  { resamples = 1000, seed = 20_240_607, level = 0.95 } = {},
): Intervals {
  const prepared = prepare(classes, predictions);
  const units = unitsOf(predictions);
  const random = seededRandom(seed);
  const weights = new Float64Array(predictions.length);
  const drawn: Record<keyof Summary, number[]> = {
    top1: [],
    macroF1: [],
    balancedAccuracy: [],
    macroAuc: [],
    ece: [],
  };
  for (let round = 0; round < resamples; round++) {
    weights.fill(0);
    for (let i = 0; i < units.length; i++) {
      for (const image of units[Math.floor(random() * units.length)]) weights[image]++;
    }
    const summary = summarise(prepared, weights);
    for (const figure of FIGURES) {
      const value = summary[figure];
      if (value !== null) drawn[figure].push(value);
    }
  }
  return {
    values: {
      top1: percentileInterval(drawn.top1, level),
      macroF1: percentileInterval(drawn.macroF1, level),
      balancedAccuracy: percentileInterval(drawn.balancedAccuracy, level),
      macroAuc: percentileInterval(drawn.macroAuc, level),
      ece: percentileInterval(drawn.ece, level),
    },
    level,
    resamples,
    seed,
    unit: predictions.some(({ group }) => group !== null) ? 'lesion' : 'image',
    units: units.length,
  };
}

/** Image indices of each unit, in the order in which the units first appear. */
function unitsOf(predictions: readonly Prediction[]): number[][] {
  const units = new Map<string, number[]>();
  predictions.forEach(({ group }, image) => {
    const key = group === null ? `image ${image}` : `lesion ${group}`;
    const unit = units.get(key);
    if (unit === undefined) units.set(key, [image]);
    else unit.push(image);
  });
  return [...units.values()];
}

function percentileInterval(values: number[], level: number): Interval | null {
  if (values.length === 0) return null;
  values.sort((a, b) => a - b);
  return [quantile(values, (1 - level) / 2), quantile(values, (1 + level) / 2)];
}

/** Quantile of sorted values, linear between neighbours; `share` in 0…1. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}
