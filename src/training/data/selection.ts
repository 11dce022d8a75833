/** Which images a training sees. */

import { type Dataset, type Sample, samplesOf } from '../../dataset/dataset.ts';
import { RefusedError } from '../../errors.ts';
import { lesionSplit } from '../protocol/lesion-split.ts';
import type { TrainingDataOptions } from './training-data.ts';

/** A sample of the data set by its place there, as it is (0) or one of its copies. */
export interface Selected {
  readonly sample: number;
  readonly copy: number;
}

type SelectionOptions = Pick<TrainingDataOptions, 'rows' | 'split' | 'splitSeed'>;

/** @throws RefusedError `TRAINING_ROW`, and what `samplesOf` throws */
export function select(dataset: Dataset, { rows, split, splitSeed = 0 }: SelectionOptions): Selected[] {
  const placeOf = new Map(dataset.samples.map(({ imageId }, place) => [imageId, place]));
  if (rows !== undefined) {
    return rows.map(({ imageId, copy }) => {
      const sample = placeOf.get(imageId);
      if (sample !== undefined) return { sample, copy };
      throw new RefusedError('TRAINING_ROW', `The data set has no image ${imageId}`, {
        file: dataset.folder,
        remedy: 'make the rows from the images of this data set',
      });
    });
  }
  return chosen(dataset, split, splitSeed).map(({ imageId }) => ({
    sample: placeOf.get(imageId) ?? 0,
    copy: 0,
  }));
}

function chosen(dataset: Dataset, split: TrainingDataOptions['split'], splitSeed: number): readonly Sample[] {
  if (split === 'all' || dataset.splitFile !== null) return samplesOf(dataset, split);
  const splitOf = lesionSplit([...dataset.samples, ...dataset.missing], splitSeed);
  return dataset.samples.filter(({ imageId }) => splitOf.get(imageId) === split);
}
