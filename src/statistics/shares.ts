/** Shares of images with intervals over lesions: sensitivity, specificity, and whatever else is a share. */
import { type Grouped, percentileInterval, RESAMPLING, resamplesOf, unitsOf } from './resampling.ts';

/** Which images are asked about, and for which of these the answer is yes. */
export interface Question {
  readonly among: (image: number) => boolean;
  readonly holds: (image: number) => boolean;
}

/** A figure with its 95 % interval; null where nothing was asked about. */
export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface Share extends Estimate {
  /** Images for which the answer is yes, of so many images of so many lesions. */
  readonly hits: number;
  readonly images: number;
  readonly lesions: number;
}

/**
 * Shares with percentile bootstrap intervals over lesions, all questions on the same resamples. Where every image gives the
 * same answer the bootstrap is blind: there the interval is the exact one (Clopper and Pearson 1934) over the lesions.
 */
export function sharesOf(images: readonly Grouped[], questions: readonly Question[]): Share[] {
  const asked = questions.map(({ among, holds }) => {
    const members = images.flatMap((_, image) => (among(image) ? [image] : []));
    return { members: Uint32Array.from(members), holds: Uint8Array.from(members, (i) => Number(holds(i))) };
  });
  const drawn: (number | null)[][] = asked.map(() => []);
  for (const weights of resamplesOf(images, RESAMPLING)) {
    asked.forEach((question, q) => {
      drawn[q].push(shareAt(question, weights));
    });
  }
  return asked.map(({ members, holds }, q) => {
    const hits = holds.reduce((sum, hit) => sum + hit, 0);
    const lesions = unitsOf(Array.from(members, (image) => images[image])).length;
    const [low, high] = intervalOf({ hits, images: members.length, lesions }, drawn[q]);
    const value = members.length === 0 ? null : hits / members.length;
    return { value, low, high, hits, images: members.length, lesions };
  });
}

function shareAt(
  { members, holds }: { readonly members: Uint32Array; readonly holds: Uint8Array },
  weights: ArrayLike<number>,
): number | null {
  let [all, hits] = [0, 0];
  for (let i = 0; i < members.length; i++) {
    const weight = weights[members[i]];
    all += weight;
    hits += weight * holds[i];
  }
  return all === 0 ? null : hits / all;
}

function intervalOf(
  { hits, images, lesions }: Pick<Share, 'hits' | 'images' | 'lesions'>,
  drawn: readonly (number | null)[],
): readonly [number, number] | readonly [null, null] {
  if (images === 0) return [null, null];
  const blind = ((1 - RESAMPLING.level) / 2) ** (1 / lesions);
  if (hits === images) return [blind, 1];
  if (hits === 0) return [0, 1 - blind];
  return percentileInterval(drawn, RESAMPLING.level) ?? [null, null];
}

/** The interval of any figure of weighted images, which is null where it is undefined. */
export function estimateOf(
  images: readonly Grouped[],
  figure: (weights: ArrayLike<number>) => number | null,
): Estimate {
  const value = figure(new Float64Array(images.length).fill(1));
  const drawn = Array.from(resamplesOf(images, RESAMPLING), figure);
  const [low, high] = percentileInterval(drawn, RESAMPLING.level) ?? [null, null];
  return { value, low, high };
}
