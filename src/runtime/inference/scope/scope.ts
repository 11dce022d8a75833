/** Whether a frame shows a lesion at all, and whether it is like those of training (docs/design/readout.md). */
import type { GaussianSection, ScopeSection } from '../../../model/bundle/scope-section.ts';

/** Statistics count as no farther from their mean than this, in deviations; what is beyond, the distance says. */
const REACH = 6;
/** Least distance, so that its logarithm is finite. */
const NEAREST = 1e-9;

/** What is measured of a frame. */
export interface ScopeFeatures {
  /** As `imageStatistics` gives them. */
  readonly statistics: Float64Array;
  /** Sum of each channel of the embedding over its places. */
  readonly pooled: Int16Array;
}

/** What is said of a frame. */
export interface ScopeVerdict {
  /** Log odds that it shows no lesion, at as many frames with as without. */
  readonly score: number;
  readonly isOutOfScope: boolean;
  /** Of the embedding from those of training, in standard deviations. */
  readonly distance: number;
  readonly isUnfamiliar: boolean;
  /** What potentials are divided by before they become probabilities: 1 for a familiar lesion, else above it. */
  readonly temperature: number;
}

export function scopeOf(section: ScopeSection, features: ScopeFeatures): ScopeVerdict {
  const { weights, bias, outOfScope, unfamiliar } = section;
  const { values, distance } = scopeTerms(section, features);
  const score = values.reduce((sum, value, i) => sum + value * weights[i], bias);
  const isUnfamiliar = distance > unfamiliar;
  return {
    score,
    isOutOfScope: score > outOfScope,
    distance,
    isUnfamiliar,
    temperature: isUnfamiliar ? distance / unfamiliar : 1,
  };
}

/**
 * What the weights weigh: the statistics along their axes, their squares, and the logarithms of the distances of statistics
 * and embedding.
 * @returns with them the distance of the embedding
 */
export function scopeTerms(
  { statistics, embedding }: Pick<ScopeSection, 'statistics' | 'embedding'>,
  features: ScopeFeatures,
): { readonly values: Float64Array; readonly distance: number } {
  const seen = standardised(statistics, features.statistics);
  const { distance } = standardised(embedding, features.pooled);
  const limited = seen.scores.map((score) => Math.max(-REACH, Math.min(REACH, score)));
  const values = Float64Array.from([
    ...limited,
    ...limited.map((score) => score * score),
    Math.log(Math.max(NEAREST, seen.distance)),
    Math.log(Math.max(NEAREST, distance)),
  ]);
  return { values, distance };
}

/**
 * A point as a distribution sees it.
 * @returns its place along each axis in standard deviations, and its Mahalanobis distance from the mean
 */
export function standardised(
  { mean, axes, deviations, restDeviation }: GaussianSection,
  point: ArrayLike<number>,
): { readonly scores: Float64Array; readonly distance: number } {
  const features = mean.length;
  const offset = Float64Array.from(mean, (value, i) => point[i] - value);
  let rest = offset.reduce((sum, value) => sum + value * value, 0);
  let squares = 0;
  const scores = Float64Array.from(deviations, (deviation, axis) => {
    let along = 0;
    for (let i = 0; i < features; i++) along += axes[axis * features + i] * offset[i];
    rest -= along * along;
    squares += (along / deviation) ** 2;
    return along / deviation;
  });
  if (restDeviation !== null) squares += Math.max(0, rest) / restDeviation ** 2;
  return { scores, distance: Math.sqrt(squares) };
}
