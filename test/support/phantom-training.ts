/** A training source without files: dark discs of class 0, bright ones of class 1, at random places on noise. */
import { IDENTITY_AUGMENTATION } from '../../src/training/data/augmentation.ts';
import type { Batch, TrainingData } from '../../src/training/data/training-data.ts';
import type { Recipe, StageRecipe } from '../../src/training/recipes/recipe.ts';
import type { TrainingSource } from '../../src/training/trainer/train.ts';
import { Random } from './random.ts';

export function discs(count: number, seed: number): PhantomData {
  return new PhantomData(count, seed);
}

class PhantomData {
  readonly labels: Int32Array;
  readonly #seed: number;

  constructor(count: number, seed: number) {
    this.#seed = seed;
    this.labels = Int32Array.from({ length: count }, (_, i) => (i % 3 === 0 ? 1 : 0));
  }

  image(index: number, side: number): Float32Array {
    const random = new Random(this.#seed * 1000 + index);
    const [x, y] = [side * (0.35 + 0.3 * random.next()), side * (0.35 + 0.3 * random.next())];
    const middle = this.labels[index] === 1 ? 0.8 : 0.2;
    return Float32Array.from({ length: side * side * 3 }, (_, i) => {
      const pixel = Math.floor(i / 3);
      const near = Math.hypot((pixel % side) - x, Math.floor(pixel / side) - y) < side / 4;
      return Math.round(255 * Math.min(1, (near ? middle : 0.5) + 0.1 * (random.next() - 0.5))) / 255;
    });
  }

  open(sides: readonly number[], batch: number, order: (epoch: number) => readonly number[]): TrainingData {
    const { labels } = this;
    const make = (indices: readonly number[]): Batch => ({
      images: sides.map((side) =>
        Float32Array.from(indices.flatMap((index) => Array.from(this.image(index, side)))),
      ),
      labels: Int32Array.from(indices, (index) => labels[index]),
      indices: Int32Array.from(indices),
      mixed: null,
    });
    const batchesPerEpoch = Math.ceil(labels.length / batch);
    return {
      length: labels.length,
      labels,
      batchesPerEpoch,
      classCounts: Int32Array.of(
        labels.filter((label) => label === 0).length,
        labels.filter((label) => label === 1).length,
      ),
      imageIds: Array.from(labels, (_, i) => `image${i}`),
      lesions: Array.from(labels, (_, i) => `lesion${i}`),
      digest: `discs ${this.#seed}, ${batch}`,
      renderer: 'typescript',
      async *batches(epoch) {
        const indices = order(epoch);
        for (let start = 0; start < indices.length; start += batch) {
          yield make(indices.slice(start, start + batch));
        }
      },
      close: () => Promise.resolve(),
    };
  }
}

/** `count` training images, shuffled anew each epoch, and a third as many for validation. */
export function phantomSource(count: number): TrainingSource {
  const [training, validation] = [discs(count, 1), discs(Math.ceil(count / 3), 2)];
  return {
    stage: ({ batch }) => ({
      training: (sides) => Promise.resolve(training.open(sides, batch, (epoch) => shuffled(count, epoch))),
      validation: (side) =>
        Promise.resolve(validation.open([side], 16, () => Array.from(validation.labels.keys()))),
    }),
    calibration: (side, wanted) =>
      Promise.resolve(
        Array.from({ length: wanted }, (_, i) =>
          Uint8Array.from(training.image(i % count, side), (value) => Math.round(255 * value)),
        ),
      ),
  };
}

function shuffled(count: number, epoch: number): number[] {
  const random = new Random(epoch + 77);
  return Array.from({ length: count }, (_, index) => ({ index, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ index }) => index);
}

export const TINY_STAGE: StageRecipe = {
  schedule: [{ inputSize: 16, epochs: 3 }],
  batch: 8,
  rate: { peak: 0.01, warmUp: 0.1, floor: 0 },
  optimiser: 'adamw',
  weightDecay: 0.01,
  averageDecay: 0.9,
  loss: {
    balance: { kind: 'inverseFrequency', power: 0.5 },
    logitAdjustment: 0,
    labelSmoothing: 0.05,
    distillation: null,
  },
  augmentation: IDENTITY_AUGMENTATION,
  patience: null,
  select: 'last',
};

/** QANA with two narrow blocks on 16×16 images; both stages, a few seconds in plain JavaScript. */
export const TINY_RECIPE: Recipe = {
  name: 'tiny',
  network: {
    kind: 'qana',
    inputSize: 16,
    widths: [4, 16],
    ghost: true,
    spatialAttention: true,
    squeezeExcite: true,
    dropout: 0.1,
    headDropout: 0,
  },
  float: TINY_STAGE,
  quantisation: {
    bits: { activations: 8, weights: 8, firstWeights: 8 },
    learnActivationSteps: false,
    calibrationImages: 8,
    stage: {
      ...TINY_STAGE,
      schedule: [{ inputSize: 16, epochs: 2 }],
      rate: { peak: 1e-3, warmUp: 0, floor: 0 },
    },
  },
};
