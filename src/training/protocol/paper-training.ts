/**
 * The publication's own procedure from end to end: copies first, a split by image, SMOTE on raw pixels, training that
 * stops by the test rows, and figures on those same rows. Every step flatters; the figures say how much.
 */
import { loadDataset } from '../../dataset/dataset.ts';
import type { ModelContents } from '../../model/bundle/bundle.ts';
import type { Checkpoint } from '../../model/checkpoint/format.ts';
import type { Prediction } from '../../statistics/prediction.ts';
import { IDENTITY_AUGMENTATION } from '../data/augmentation.ts';
import { type MemoryImages, memoryData } from '../data/memory.ts';
import { openTrainingData } from '../data/open.ts';
import type { Row, TrainingData } from '../data/training-data.ts';
import { integerAnswers, integerModel } from '../measure/integer-model.ts';
import type { Recipe } from '../recipes/recipe.ts';
import type { DatasetChoice } from '../trainer/dataset-source.ts';
import { type TrainingJob, type TrainingSource, train } from '../trainer/train.ts';
import { type Leakage, leakageOf } from './leakage.ts';
import { PAPER_SPLIT, type PaperSplit, paperSplit } from './paper-split.ts';
import { synthesisePixels } from './pixel-smote.ts';

export interface PaperJob {
  readonly images: DatasetChoice;
  readonly folder: string;
  /** Its network, rates and epochs; augmentation, selection and rounding are the procedure's. */
  readonly recipe: Recipe;
  /** Augmented copies in all. Default: about as many as the publication made of HAM10000. */
  readonly copies?: number;
  readonly resume: boolean;
  readonly progress?: Pick<TrainingJob, 'onStage' | 'onStep' | 'onEpoch'>;
}

export interface PaperResult {
  readonly checkpoint: Checkpoint;
  /** Rounded after training. */
  readonly model: ModelContents;
  /** To the test rows, in integers. */
  readonly answers: readonly Prediction[];
  readonly leakage: Leakage;
  /** Images that SMOTE made of pixels. */
  readonly syntheticImages: number;
}

/** An epoch shows some 37,000 images where HAM10000's training split has 7,000: a few are enough to show what leaks. */
export const PAPER_SCHEDULE: Recipe['float']['schedule'] = [
  { inputSize: 32, epochs: 4 },
  { inputSize: 64, epochs: 6 },
];

/** Images per batch where nothing is trained. */
const BATCH = 64;

/** @throws as `loadDataset`, `openTrainingData`, `train` and `integerModel` */
export async function trainByPaper(job: PaperJob): Promise<PaperResult> {
  const { images, folder, resume, progress } = job;
  const { classes, seed } = images;
  const side = job.recipe.network.inputSize;
  const dataset = await loadDataset(images.dataset, classes, images.splitFile);
  const split = paperSplit(dataset.samples, {
    ...PAPER_SPLIT,
    seed,
    ...(job.copies && { copies: job.copies }),
  });
  const real = await inMemory(await openRows(images, split.train, side), side, classes.length);
  const synthetic = await synthesisePixels({ ...real, width: side * side * 3 }, classes.length, seed);
  const all: MemoryImages = {
    ...real,
    pixels: joined(real.pixels, synthetic.pixels),
    labels: Int32Array.from([...real.labels, ...synthetic.labels]),
  };
  const checkpoint = await train({
    folder,
    recipe: procedureOf(job.recipe),
    classes,
    seed,
    source: sourceOf(images, split, all),
    teachers: [],
    resume,
    from: null,
    ...progress,
  });
  const model = await integerModel(checkpoint, 'paper', async () => evenlySpaced(real, 256));
  const test = await openRows(images, split.test, side);
  const answers = await integerAnswers(model, test).finally(() => test.close());
  const lesions = new Map(dataset.samples.map(({ imageId, lesionId }) => [imageId, lesionId]));
  return {
    checkpoint,
    model,
    answers,
    leakage: leakageOf(split, (imageId) => lesions.get(imageId) ?? null),
    syntheticImages: synthetic.labels.length,
  };
}

/**
 * Copies stand in for augmentation, SMOTE for class weights; the test rows choose the epoch. Sides that do not divide
 * the network's become its own.
 */
function procedureOf(recipe: Recipe): Recipe {
  const { float, network } = recipe;
  const schedule = float.schedule.map(({ inputSize, epochs }) => ({
    inputSize: network.inputSize % inputSize === 0 ? inputSize : network.inputSize,
    epochs,
  }));
  return {
    ...recipe,
    name: `${recipe.name}, paper protocol`,
    float: {
      ...float,
      schedule,
      augmentation: IDENTITY_AUGMENTATION,
      loss: { ...float.loss, balance: { kind: 'none' } },
      select: 'best',
    },
    quantisation: null,
  };
}

function openRows(images: DatasetChoice, rows: readonly Row[], side: number): Promise<TrainingData> {
  return openTrainingData({
    ...images,
    split: 'all',
    rows,
    inputSizes: [side],
    batch: BATCH,
    augmentation: null,
  });
}

function sourceOf(choice: DatasetChoice, { test }: PaperSplit, images: MemoryImages): TrainingSource {
  return {
    stage: ({ batch }) => ({
      training: async ([inputSize]) => memoryData(images, { inputSize, batch, seed: choice.seed }),
      validation: (inputSize) => openRows(choice, test, inputSize),
    }),
    calibration: async (_, count) => evenlySpaced(images, count),
  };
}

async function inMemory(data: TrainingData, side: number, classCount: number): Promise<MemoryImages> {
  try {
    const size = side * side * 3;
    const pixels = new Uint8Array(data.length * size);
    for await (const { images, indices } of data.batches(0)) {
      indices.forEach((index, i) => {
        const from = images[0].subarray(i * size, (i + 1) * size);
        from.forEach((value, p) => {
          pixels[index * size + p] = Math.round(255 * value);
        });
      });
    }
    return { pixels, side, labels: data.labels, classCount };
  } finally {
    await data.close();
  }
}

function evenlySpaced({ pixels, labels, side }: MemoryImages, count: number): Uint8Array[] {
  const size = side * side * 3;
  const wanted = Math.min(count, labels.length);
  return Array.from({ length: wanted }, (_, i) => {
    const index = Math.floor(((i + 0.5) * labels.length) / wanted);
    return pixels.slice(index * size, (index + 1) * size);
  });
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
