/**
 * What real images measure in the integrity check, which spoiled ones it sends back, and how much of a lesion the saliency
 * crop keeps, by its smallest side.
 */
import path from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { listImages } from '../capture/images.ts';
import { mapConcurrently } from '../concurrently.ts';
import { loadDataset, samplesOf } from '../dataset/dataset.ts';
import { DEFAULT_CROP } from '../preprocess/crop.ts';
import { decodeImage } from '../preprocess/decode.ts';
import { DEFAULT_QUALITY, measureQuality, type Quality, retakeReasons } from '../preprocess/quality.ts';
import type { OpenModel } from '../runtime/engine/open-model.ts';
import { SPLITS } from '../splits.ts';
import { maskRetention } from './figures/mask-retention.ts';

const SHARES = [0, 0.001, 0.005, 0.5, 0.995, 0.999, 1];
const SIDES = [0.5, 0.6, 0.7, 0.8, 0.9];
const SPOILT: Readonly<Record<string, (image: Sharp) => Sharp>> = {
  'blurred, σ = 4 px': (image) => image.blur(4),
  'blurred, σ = 6 px': (image) => image.blur(6),
  'blurred, σ = 8 px': (image) => image.blur(8),
  'blurred, σ = 12 px': (image) => image.blur(12),
  'brightness × 1.5': (image) => image.linear(1.5, 0),
  'brightness × 2': (image) => image.linear(2, 0),
  'brightness × 0.1': (image) => image.linear(0.1, 0),
};

/** A table with its title; the first row is its head. */
export interface TitledTable {
  readonly title: string;
  readonly rows: readonly (readonly string[])[];
}

/** @param dataset HAM10000 with masks; @param fullSize folder of images as a camera delivers them */
export async function measurePreprocessing(
  { bundle, engine }: OpenModel,
  dataset: string,
  fullSize: string,
): Promise<TitledTable[]> {
  const loaded = await loadDataset(dataset, bundle.graph.classes);
  const verdicts = [['images', 'number', 'sent back', 'because']];
  const measures: string[][] = [['measure', ...SHARES.map(String)]];
  for (const split of SPLITS) {
    const qualities = await qualitiesOf(samplesOf(loaded, split).map(({ file }) => file));
    verdicts.push(verdictOf(split, qualities));
    if (split !== 'train') continue;
    for (const measure of ['clippedShare', 'contrast', 'focus'] as const) {
      measures.push(
        quantilesOf(
          measure,
          qualities.map((quality) => quality[measure]),
        ),
      );
    }
  }
  const { images } = await listImages(fullSize);
  verdicts.push(verdictOf('full size', await qualitiesOf(images)));
  for (const [name, spoil] of Object.entries(SPOILT)) {
    const qualities = await mapConcurrently(images, async (file) =>
      measureQuality(await decodeImage(await spoil(sharp(file)).png().toBuffer())),
    );
    verdicts.push(verdictOf(`full size, ${name}`, qualities));
  }
  const retentions = [['split', 'smallest side', 'mask kept', 'kept at least 70 %', 'moved']];
  for (const split of ['val', 'test'] as const) {
    for (const minimumSide of SIDES) {
      const crop = { ...DEFAULT_CROP, minimumSide };
      const cropped = { ...bundle, preprocessing: { ...bundle.preprocessing, crop } };
      const samples = samplesOf(loaded, split);
      const kept = await maskRetention(samples, path.join(dataset, 'masks'), cropped, engine, true);
      const figures = [kept.mean, kept.atLeast70, kept.moved].map((value) => value.toFixed(4));
      retentions.push([split, String(minimumSide), ...figures]);
    }
  }
  return [
    { title: 'Measures of the training images, by quantile', rows: measures },
    { title: 'The integrity check with its default limits', rows: verdicts },
    { title: 'The saliency crop', rows: retentions },
  ];
}

function qualitiesOf(files: readonly string[]): Promise<Quality[]> {
  return mapConcurrently(files, async (file) => measureQuality(await decodeImage(file)));
}

function verdictOf(name: string, qualities: readonly Quality[]): string[] {
  const reasons = qualities.map((quality) => retakeReasons(quality, DEFAULT_QUALITY));
  const sentBack = reasons.filter(({ length }) => length > 0).length;
  const counts = new Map<string, number>();
  for (const reason of reasons.flat()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const because = [...counts].map(([reason, count]) => `${reason} ${count}`).join(', ');
  return [name, String(qualities.length), `${((100 * sentBack) / qualities.length).toFixed(2)} %`, because];
}

function quantilesOf(name: string, values: readonly number[]): string[] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return [name, ...SHARES.map((share) => at(share).toFixed(3))];
}
