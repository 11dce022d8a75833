/** The images of HAM10000 as a device keeps them after reading them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { mapConcurrently } from '../../concurrently.ts';
import { findImages } from '../../dataset/images.ts';
import type { OpenModel } from '../../runtime/engine/open-model.ts';
import { createClassifier } from '../../runtime/inference/classifier.ts';
import type { ReadImage } from './scores.ts';

export const METADATA = 'HAM10000_metadata.csv';
export const SPLITS = 'split_lesion.csv';

const splitSchema = z.array(z.object({ image_id: z.string(), split: z.string() }));
const metadataSchema = z.array(
  z.object({ lesion_id: z.string(), image_id: z.string(), dx: z.string(), dataset: z.string() }),
);

export interface LabelledImage {
  readonly lesion_id: string;
  readonly image_id: string;
  readonly dx: string;
  readonly dataset: string;
  readonly split: string;
}

function table(folder: string, name: string): unknown {
  return parse(readFileSync(path.join(folder, name)), { columns: true, bom: true, trim: true });
}

/** Rows of metadata with their split. */
export function labelledImages(folder: string): LabelledImage[] {
  const splits = new Map(
    splitSchema.parse(table(folder, SPLITS)).map(({ image_id, split }) => [image_id, split]),
  );
  return metadataSchema
    .parse(table(folder, METADATA))
    .map((row) => ({ ...row, split: splits.get(row.image_id) ?? '' }));
}

/** What the device keeps of each image after reading it. */
export async function readAll(
  { bundle, engine }: OpenModel,
  dataset: string,
  rows: readonly LabelledImage[],
): Promise<ReadImage[]> {
  const files = await findImages(dataset);
  const classifier = createClassifier(bundle, engine, { tiling: false, integrityCheck: false });
  const read = await mapConcurrently(rows, async (row): Promise<ReadImage[]> => {
    const file = files.get(row.image_id);
    if (file === undefined) return [];
    const { headInput } = await classifier.classify(file);
    if (headInput === null) return [];
    const { image_id, lesion_id, dx, dataset: site, split } = row;
    return [{ imageId: image_id, lesionId: lesion_id, dx, site, split, headInput }];
  });
  return read.flat();
}

/** One image of each lesion, lesions in a random order. */
export function stream(images: readonly ReadImage[], random: () => number): ReadImage[] {
  const order = [...new Map(images.map((image) => [image.lesionId, image])).values()];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
