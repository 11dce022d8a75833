/** The images of a training, from a data set on disk. */
import path from 'node:path';
import type { Split } from '../../splits.ts';
import { openTrainingData } from '../data/open.ts';
import type { TrainingData, TrainingDataOptions } from '../data/training-data.ts';
import { AnswerMemory } from './answer-memory.ts';
import type { TrainingSource } from './train.ts';

export interface DatasetChoice {
  readonly dataset: string;
  readonly classes: readonly string[];
  readonly splitFile?: string;
  readonly cacheFolder: string;
  readonly seed: number;
}

/** Images per validation batch: large enough to be fast, small enough for a workstation's memory at any image size. */
const VALIDATION_BATCH = 64;

/** Only the training and the validation split can be had from it. */
export function datasetSource(choice: DatasetChoice): TrainingSource {
  const open = (
    split: Exclude<Split, 'test'>,
    options: Pick<TrainingDataOptions, 'inputSizes' | 'batch' | 'augmentation' | 'dropLast'>,
  ): Promise<TrainingData> => openTrainingData({ ...choice, split, ...options });
  return {
    stage: ({ batch, augmentation }) => ({
      memory: new AnswerMemory(path.join(choice.cacheFolder, 'teaching')),
      training: (inputSizes) => open('train', { inputSizes, batch, augmentation, dropLast: true }),
      validation: (side) => open('val', { inputSizes: [side], batch: VALIDATION_BATCH, augmentation: null }),
    }),
    async calibration(inputSize, count) {
      const data = await open('train', {
        inputSizes: [inputSize],
        batch: VALIDATION_BATCH,
        augmentation: null,
      });
      try {
        return await evenlySpaced(data, count);
      } finally {
        await data.close();
      }
    },
  };
}

async function evenlySpaced(data: TrainingData, count: number): Promise<Uint8Array[]> {
  const wanted = Math.min(count, data.length);
  const chosen = new Set(
    Array.from({ length: wanted }, (_, i) => Math.floor(((i + 0.5) * data.length) / wanted)),
  );
  const images: Uint8Array[] = [];
  for await (const batch of data.batches(0)) {
    const [pixels] = batch.images;
    const size = pixels.length / batch.labels.length;
    batch.indices.forEach((index, i) => {
      if (!chosen.has(index)) return;
      images.push(
        Uint8Array.from(pixels.subarray(i * size, (i + 1) * size), (value) => Math.round(value * 255)),
      );
    });
  }
  return images;
}
