import path from 'node:path';
import { listImages } from '../../capture/images.ts';
import { loadDataset, samplesOf } from '../../dataset/dataset.ts';
import { UsageError } from '../../errors.ts';
import { limitSamples } from '../../evaluation/evaluate.ts';
import { phantomFrames } from '../../evaluation/spiking/inputs.ts';
import type { Frame } from '../../frame.ts';
import type { Split } from '../../splits.ts';

/** Which images to simulate; generated phantoms where neither a folder nor a data set is given. */
export interface ImageChoice {
  /** Folder of images without labels. */
  readonly images?: string | undefined;
  /** Data set with labels. */
  readonly dataset?: string | undefined;
  readonly split: Split | 'all';
  readonly splitFile?: string | undefined;
  readonly limit: number;
}

/** An image to simulate: a frame, or a file, and its class where one is known. */
export interface Item {
  readonly image: Frame | string;
  readonly label: number | null;
}

/** @throws UsageError `OPTION`, `NO_IMAGES`, `FOLDER_UNREADABLE`, `DATASET_*`; RefusedError `DATASET_*` */
export async function itemsOf(
  classes: readonly string[],
  { images, dataset: folder, split, splitFile, limit }: ImageChoice,
): Promise<{ items: Item[]; source: string }> {
  if (images !== undefined && folder !== undefined) {
    throw new UsageError('OPTION', 'Give one source of images', {
      field: '--images',
      received: '--dataset too',
    });
  }
  if (folder !== undefined) {
    const dataset = await loadDataset(folder, classes, splitFile);
    const samples = limitSamples(samplesOf(dataset, split), limit);
    return {
      items: samples.map(({ file, label }) => ({ image: file, label })),
      source: `${dataset.name}, ${split}`,
    };
  }
  if (images === undefined) {
    return {
      items: [...phantomFrames(limit)].map((image) => ({ image, label: null })),
      source: 'phantoms, drawn from seed 0',
    };
  }
  const files = (await listed(images)).slice(0, limit);
  return {
    items: files.map((image) => ({ image, label: null })),
    source: path.basename(path.resolve(images)),
  };
}

async function listed(folder: string): Promise<readonly string[]> {
  const { images } = await listImages(folder).catch((cause: unknown) => {
    throw new UsageError('FOLDER_UNREADABLE', 'The folder cannot be listed', {
      file: folder,
      field: '--images',
      cause,
    });
  });
  if (images.length > 0) return images;
  throw new UsageError('NO_IMAGES', 'There are no images in the folder', { file: folder, field: '--images' });
}
