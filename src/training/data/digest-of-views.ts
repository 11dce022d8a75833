import { createHash } from 'node:crypto';
import type { CheckedOptions } from './check-options.ts';
import type { Selected } from './selection.ts';
import type { TrainingData } from './training-data.ts';

/** Moves when an epoch's order, views or mixing follow from the same options in another way. */
const FORMAT = 1;

export interface Views {
  /** Of the caches that the images come from. */
  readonly digests: readonly string[];
  readonly rows: readonly Selected[];
  readonly options: CheckedOptions;
  readonly renderer: TrainingData['renderer'];
}

/** The size of the images is no part of it, except where they come from caches of their own size. */
export function digestOfViews({ digests, rows, options, renderer }: Views): string {
  const { classes, seed, batch, dropLast, shuffle, classWeights, frameSide } = options;
  const { augmentation, copyAugmentation } = options;
  const order = [classes, seed, batch, dropLast, shuffle, classWeights, frameSide];
  return createHash('sha256')
    .update(JSON.stringify([FORMAT, digests, rows, order, augmentation, copyAugmentation, renderer]))
    .digest('hex');
}
