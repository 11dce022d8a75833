import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import type { Dataset } from '../../../dataset/dataset.ts';

/** An image file of a data set. */
export interface Source {
  readonly imageId: string;
  readonly file: string;
}

/** Moves when images would be decoded or kept in another way. */
const FORMAT = 1;

/**
 * Stands for the images of a data set as they are on the disk (names, sizes, times of change) and for the decoder; a
 * cache with another digest is stale.
 */
export async function digestOf(dataset: Dataset): Promise<string> {
  const states = await Promise.all(
    dataset.samples.map(async ({ imageId, file }) => {
      const { size, mtimeMs } = await stat(file);
      return [imageId, path.relative(dataset.folder, file), size, mtimeMs];
    }),
  );
  const decoder = [sharp.versions.sharp, sharp.versions.vips];
  return createHash('sha256')
    .update(JSON.stringify([FORMAT, decoder, states]))
    .digest('hex');
}
