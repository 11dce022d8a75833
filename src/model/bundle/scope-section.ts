/** What a bundle says of which frames show a lesion like those of its training; a bundle without it cannot tell. */
import { z } from 'zod';
import { embeddingShape, MAXIMUM_PLACES } from '../embedding.ts';
import type { IntegerGraph } from '../graph.ts';
import { areWithin } from '../validate/within.ts';
import { ARRAYS } from './arrays.ts';
import { count, real, share } from './fields.ts';

/** Most values that are compared, and most axes of a distribution: an embedding may have thousands of channels. */
const MAXIMUM_FEATURES = 4096;
const MAXIMUM_AXES = 128;
/** Magnitude at most of a mean and of a weight, and spread at least and at most: every score is finite. */
const LARGEST = 1e6;
const deviation = real(1e-6, LARGEST);

/**
 * A normal distribution of n values by its strongest axes (probabilistic principal components: Tipping and Bishop, 1999).
 */
const gaussianSchema = z.strictObject({
  /** n values. */
  mean: ARRAYS.float32,
  /** Axes × n values, every axis of length 1. */
  axes: ARRAYS.float32,
  /** Standard deviation along each axis. */
  deviations: ARRAYS.float32,
  /** Standard deviation along every other direction; null where the axes are all there are. */
  restDeviation: deviation.nullable(),
});
export type GaussianSection = z.infer<typeof gaussianSchema>;

export const scopeSchema = z.strictObject({
  version: z.literal(1),
  /** Logistic regression against drawn frames (outlier exposure: Hendrycks, Mazeika, Dietterich 2019). */
  method: z.literal('outlier-exposure'),
  /** Of the image statistics of what the network reads (`statisticCount`). */
  statistics: gaussianSchema,
  /** Of the pooled embedding. */
  embedding: gaussianSchema,
  /** Of the statistics along their axes, of their squares, of the logarithms of both distances. */
  weights: ARRAYS.float32,
  bias: real(-LARGEST, LARGEST),
  /** Score above which a frame shows no lesion. */
  outOfScope: real(-1e12, 1e12),
  /** Distance of an embedding above which a lesion is unfamiliar. */
  unfamiliar: deviation,
  fittedOn: z.strictObject({ images: count, frames: count, validationImages: count }),
  /** Of the validation captures: refused, unfamiliar; of drawn frames, whose kind the fit had not seen: refused. */
  expected: z.strictObject({ outOfScope: share, unfamiliar: share, nothing: share }),
});
/** The section in a bundle. */
export type ScopeSection = z.infer<typeof scopeSchema>;

/** Levels of an image's pyramid: itself, then each half as large, down to 8 to 15 cells along a side; 0 below that. */
export function pyramidLevels(side: number): number {
  return side < 8 ? 0 : Math.floor(Math.log2(side / 8)) + 1;
}

/** How many image statistics there are of a square: of three colour channels, for each level one and five others. */
export function statisticCount(side: number): number {
  return 3 * (pyramidLevels(side) + 5);
}

/** What does not fit the graph, in words; null when all does. */
export function scopeProblem(
  { statistics, embedding, weights }: ScopeSection,
  graph: IntegerGraph,
): string | null {
  const [side, width] = graph.input.shape;
  if (side !== width || pyramidLevels(side) === 0) return `no statistics of ${side}×${width} pixels`;
  const [rows, columns, channels] = embeddingShape(graph);
  if (rows * columns > MAXIMUM_PLACES) return `an embedding of ${rows * columns} places`;
  const expected = statisticCount(side);
  if (statistics.deviations.length !== expected) return `statistics along fewer than ${expected} axes`;
  if (weights.length !== 2 * expected + 2) return `${weights.length} weights for ${expected} statistics`;
  if (!areWithin(weights, -LARGEST, LARGEST)) return 'a weight that is too large';
  return (
    gaussianProblem('statistics', statistics, expected) ?? gaussianProblem('embedding', embedding, channels)
  );
}

function gaussianProblem(
  name: string,
  { mean, axes, deviations }: GaussianSection,
  features: number,
): string | null {
  const rank = deviations.length;
  if (features > MAXIMUM_FEATURES || mean.length !== features) return `${name}: ${mean.length} means`;
  if (rank === 0 || rank > Math.min(features, MAXIMUM_AXES)) return `${name}: ${rank} axes`;
  if (axes.length !== rank * features) return `${name}: axes of other length than the mean`;
  if (!areWithin(mean, -LARGEST, LARGEST)) return `${name}: a mean that is too large`;
  // A rounding of single precision is none.
  if (!areWithin(axes, -1.001, 1.001)) return `${name}: an axis longer than 1`;
  return areWithin(deviations, 1e-6, LARGEST) ? null : `${name}: a deviation out of range`;
}
