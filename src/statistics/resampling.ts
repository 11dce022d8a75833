import { seededRandom } from '../random.ts';
import type { Prediction } from './prediction.ts';

/** What is drawn together: images of one lesion. */
export type Grouped = Pick<Prediction, 'group'>;

export interface ResamplingOptions {
  readonly resamples: number;
  readonly seed: number;
  /** Share of the resamples inside an interval. */
  readonly level: number;
}

export const RESAMPLING: ResamplingOptions = { resamples: 1000, seed: 20_240_607, level: 0.95 };

/** Lower and upper end. */
export type Interval = readonly [low: number, high: number];

/** How often each image counts in one resample. The array is the same every time: read it before the next. */
export type Weights = Float64Array;

/**
 * Bootstrap resamples of a split. Photos of one lesion resemble each other, so lesions are drawn, not images: drawing
 * images would state intervals that are too narrow. Same seed, same resamples.
 */
export function* resamplesOf(
  images: readonly Grouped[],
  { resamples, seed }: ResamplingOptions,
): Generator<Weights> {
  const units = unitsOf(images);
  const random = seededRandom(seed);
  const weights = new Float64Array(images.length);
  for (let round = 0; round < resamples; round++) {
    weights.fill(0);
    for (let i = 0; i < units.length; i++) {
      for (const image of units[Math.floor(random() * units.length)]) weights[image]++;
    }
    yield weights;
  }
}

/** Image indices of each unit, in the order in which the units first appear. */
export function unitsOf(images: readonly Grouped[]): number[][] {
  const units = new Map<string, number[]>();
  images.forEach(({ group }, image) => {
    const key = group === null ? `image ${image}` : `lesion ${group}`;
    const unit = units.get(key);
    if (unit === undefined) units.set(key, [image]);
    else unit.push(image);
  });
  return [...units.values()];
}

/** Percentile interval of what the resamples gave; null where none gave anything. */
export function percentileInterval(values: readonly (number | null)[], level: number): Interval | null {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  if (known.length === 0) return null;
  return [quantile(known, (1 - level) / 2), quantile(known, (1 + level) / 2)];
}

/** Quantile of sorted values, linear between neighbours; `share` in 0…1. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}
