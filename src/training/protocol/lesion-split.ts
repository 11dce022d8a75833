/** A split for data sets that come without one: no lesion in two splits, every class in the same shares. */

import { groupBy } from '../../group-by.ts';
import { SPLITS, type Split } from '../../splits.ts';
import { shuffled } from './shuffle.ts';

export interface LesionMember {
  readonly imageId: string;
  readonly label: number;
  /** Null: unknown; the image then counts as a lesion of its own. */
  readonly lesionId: string | null;
}

/** HAM10000's lesion-grouped split has these shares. */
export const DEFAULT_SHARES: Readonly<Record<Split, number>> = { train: 0.7, val: 0.1, test: 0.2 };

interface Lesion {
  readonly id: string;
  readonly members: readonly LesionMember[];
  readonly label: number;
}

/**
 * Splits images by lesion, stratified by class: within a class, lesions in random order go one by one to the split that
 * lacks most of its share of images. The same images and seed give the same split, in whatever order they come.
 * @param shares of the images; they add up to 1
 * @returns split by image identifier
 */
export function lesionSplit(
  images: readonly LesionMember[],
  seed: number,
  shares: Readonly<Record<Split, number>> = DEFAULT_SHARES,
): Map<string, Split> {
  const splitOf = new Map<string, Split>();
  const lesionsOf = groupBy(lesionsIn(images), ({ label }) => label);
  for (const [label, lesions] of lesionsOf) {
    const total = lesions.reduce((sum, { members }) => sum + members.length, 0);
    const lacking = new Map(SPLITS.map((split) => [split, shares[split] * total]));
    for (const { members } of shuffled(lesions, seed + label)) {
      const split = SPLITS.reduce((most, other) =>
        (lacking.get(other) ?? 0) > (lacking.get(most) ?? 0) ? other : most,
      );
      lacking.set(split, (lacking.get(split) ?? 0) - members.length);
      for (const { imageId } of members) splitOf.set(imageId, split);
    }
  }
  return splitOf;
}

/** Sorted by identifier. */
function lesionsIn(images: readonly LesionMember[]): Lesion[] {
  const groups = groupBy(images, ({ imageId, lesionId }) => lesionId ?? `image ${imageId}`);
  return [...groups]
    .map(([id, members]) => ({ id, members, label: Math.min(...members.map(({ label }) => label)) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}
