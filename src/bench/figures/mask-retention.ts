/** How much of a lesion a crop keeps, by the lesion masks that come with the data set. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { mapConcurrently } from '../../concurrently.ts';
import type { Sample } from '../../dataset/dataset.ts';
import type { Square } from '../../frame.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import { createClassifier } from '../../runtime/inference/classifier.ts';

export interface MaskRetention {
  /** Images with a mask that is not empty. */
  readonly images: number;
  /** Mean share of the mask inside the square. */
  readonly mean: number;
  /** Share of the images that keep at least 70 % of their mask. */
  readonly atLeast70: number;
  /** Share of the images whose square is not the centred one. */
  readonly moved: number;
}

/**
 * @param masks folder of PNGs named by image identifier, white on black, of the images' size or its multiple
 * @param crop whether to look at the salient squares or at the centred ones
 */
export async function maskRetention(
  samples: readonly Sample[],
  masks: string,
  bundle: ModelBundle,
  engine: Engine,
  crop: boolean,
  onImage?: () => void,
): Promise<MaskRetention> {
  const classifier = createClassifier(bundle, engine, { crop, tiling: false, integrityCheck: false });
  const results = await mapConcurrently(samples, async ({ imageId, file }) => {
    const mask = path.join(masks, `${imageId}.png`);
    const { crop: square } = (await classifier.classify(file)).reading;
    onImage?.();
    if (square === null || !existsSync(mask)) return null;
    const { width, height } = await sharp(file).metadata();
    const kept = await keptShare(mask, square, width, height);
    return kept === null ? null : { kept, moved: !isCentred(square, width, height) };
  });
  const measured = results.filter((result) => result !== null);
  const share = (holds: (result: { kept: number; moved: boolean }) => boolean) =>
    measured.filter(holds).length / measured.length;
  return {
    images: measured.length,
    mean: measured.reduce((sum, { kept }) => sum + kept, 0) / measured.length,
    atLeast70: share(({ kept }) => kept >= 0.7),
    moved: share(({ moved }) => moved),
  };
}

/** Share of the mask's pixels inside a square of the image; null when the mask is empty. */
export async function keptShare(
  mask: string,
  { x, y, side }: Square,
  width: number,
  height: number,
): Promise<number | null> {
  const { data } = await sharp(mask)
    .resize(width, height, { fit: 'fill', kernel: 'nearest' })
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  let inside = 0;
  let all = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (data[row * width + column] < 128) continue;
      all++;
      if (row >= y && row < y + side && column >= x && column < x + side) inside++;
    }
  }
  return all === 0 ? null : inside / all;
}

function isCentred({ side, x, y }: Square, width: number, height: number): boolean {
  return (
    side === Math.min(width, height) &&
    x === Math.floor((width - side) / 2) &&
    y === Math.floor((height - side) / 2)
  );
}
