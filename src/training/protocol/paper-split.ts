/**
 * The publication's evaluation as its training script performs it, here only to show what it yields: augmented copies
 * are made first, the rows are split by image afterwards. It leaks. A copy and its original, and two photographs of one
 * lesion, lie on both sides; about 39 % of the test rows are altered copies.
 */
import { RefusedError } from '../../errors.ts';
import { groupBy } from '../../group-by.ts';
import { seededRandom } from '../../random.ts';
import type { Row } from '../data/training-data.ts';
import { shuffled } from './shuffle.ts';

export interface PaperSplitOptions {
  readonly seed: number;
  /** Augmented copies in all; for HAM10000 about 6,400. */
  readonly copies: number;
  /** Share of the rows. There is no validation split: the script stops early on the test rows. */
  readonly testShare: number;
}

export const PAPER_SPLIT: Omit<PaperSplitOptions, 'seed'> = { copies: 6400, testShare: 0.2 };

export interface PaperSplit {
  readonly train: readonly Row[];
  readonly test: readonly Row[];
}

interface LabelledImage {
  readonly imageId: string;
  readonly label: number;
}

/**
 * Which images are copied the publication does not say. Choice: the rarest classes are filled up evenly, as far as the
 * copies reach; within a class the images take turns.
 * @throws RefusedError `PAPER_SPLIT_EMPTY` when there is no image to copy
 */
export function paperSplit(images: readonly LabelledImage[], options: PaperSplitOptions): PaperSplit {
  if (images.length === 0 && options.copies > 0) {
    throw new RefusedError('PAPER_SPLIT_EMPTY', 'There is no image to copy', {
      expected: `images for ${options.copies} copies`,
    });
  }
  const originals = images.map(({ imageId }): Row => ({ imageId, copy: 0 }));
  const rows = shuffled([...originals, ...copiesOf(images, options)], options.seed);
  const random = seededRandom(options.seed ^ 0x5bd1e995);
  const isTest = rows.map(() => random() < options.testShare);
  return { train: rows.filter((_, i) => !isTest[i]), test: rows.filter((_, i) => isTest[i]) };
}

function copiesOf(images: readonly LabelledImage[], { seed, copies }: PaperSplitOptions): Row[] {
  const classes = [...groupBy(images, ({ label }) => label)].map(([label, members]) => ({
    queue: shuffled(members, seed + label),
    made: 0,
  }));
  const rows: Row[] = [];
  for (let copy = 0; copy < copies; copy++) {
    const size = ({ queue, made }: (typeof classes)[number]) => queue.length + made;
    const rarest = classes.reduce((least, other) => (size(other) < size(least) ? other : least));
    const { queue, made } = rarest;
    rows.push({ imageId: queue[made % queue.length].imageId, copy: 1 + Math.floor(made / queue.length) });
    rarest.made++;
  }
  return rows;
}
