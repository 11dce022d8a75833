/** Calibration images: found in a folder of any nesting, sampled evenly, brought to the input size as the device does. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { listImages } from '../../capture/images.ts';
import { MASK_FOLDER } from '../../dataset/images.ts';
import { readTable, rowsOf } from '../../dataset/table.ts';
import { RefusedError, reasonOf, UsageError } from '../../errors.ts';
import type { Shape } from '../../model/graph.ts';
import { decodeImage } from '../../preprocess/decode.ts';
import { fieldOf, inputOf } from '../../preprocess/field.ts';

export interface CalibrationSet {
  /** uint8, height × width × 3 each. */
  readonly images: readonly Uint8Array[];
  /** SHA-256 over all inputs in their order, hexadecimal. */
  readonly sha256: string;
  /** Files left out because they are not sound images. */
  readonly refused: readonly RefusedError[];
}

/**
 * Image files under `folder`, in the order of their paths; folders of lesion masks hold no photographs.
 * @throws RefusedError `CALIBRATION_FOLDER`
 */
export async function findCalibrationImages(folder: string): Promise<readonly string[]> {
  const { images } = await listImages(folder).catch((cause: unknown) => {
    throw new RefusedError('CALIBRATION_FOLDER', 'The calibration folder cannot be read', {
      file: folder,
      received: reasonOf(cause),
      remedy: 'give a folder of images with --calibration',
      cause,
    });
  });
  return images.filter(
    (file) => !path.relative(folder, path.dirname(file)).split(path.sep).some(isMaskFolder),
  );
}

function isMaskFolder(name: string): boolean {
  return MASK_FOLDER.test(name);
}

const rowSchema = z.object({ image_id: z.string().min(1), split: z.string() });

/**
 * The files whose `image_id` belongs to `split` in a CSV with the columns `image_id` and `split`.
 * @throws RefusedError `DATASET_*`, UsageError `SPLIT_FILE` where the split is empty
 */
export async function onlySplit(files: readonly string[], csv: string, split: string): Promise<string[]> {
  const rows = rowsOf(await readTable(csv), ['image_id', 'split'], rowSchema);
  const ids = new Set(rows.filter((row) => row.split === split).map((row) => row.image_id));
  if (ids.size === 0) {
    throw new UsageError('SPLIT_FILE', 'The split file lists no image of this split', {
      file: csv,
      expected: `rows with the split ${split}`,
      received: `the splits ${[...new Set(rows.map((row) => row.split))].join(', ')}`,
    });
  }
  return files.filter((file) => ids.has(path.parse(file).name));
}

/** At most `count` items at even distances. */
export function evenlySpaced<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]);
}

/**
 * Decodes and resamples as a device does: the field's square, exact area resampling, no crop. An unsound image is left
 * out and reported.
 * @throws RefusedError `CALIBRATION_EMPTY` where none is left
 */
export async function loadImages(
  files: readonly string[],
  [height]: Shape,
  advance: () => void = () => {},
): Promise<CalibrationSet> {
  const images: Uint8Array[] = [];
  const refused: RefusedError[] = [];
  const hash = createHash('sha256');
  for (const file of files) {
    try {
      const frame = await decodeImage(file);
      const field = fieldOf(frame);
      const image = inputOf(frame, field, field.square, height);
      hash.update(image);
      images.push(image);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      refused.push(error);
    }
    advance();
  }
  if (images.length === 0) {
    throw new RefusedError('CALIBRATION_EMPTY', 'There is no sound image to calibrate on', {
      expected: 'JPEG, PNG, WebP, TIFF, BMP or AVIF images',
      received: `${refused.length} unsound files`,
      remedy: 'give a folder with some hundred images of the kind the device will see',
    });
  }
  return { images, sha256: hash.digest('hex'), refused };
}
