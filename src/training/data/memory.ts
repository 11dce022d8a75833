/** Training data that lies in memory: images of one size, shown as they are. */
import { shuffled } from '../protocol/shuffle.ts';
import { seedOf } from '../trainer/seed.ts';
import type { Batch, TrainingData } from './training-data.ts';

export interface MemoryImages {
  /** uint8, count × side × side × 3. */
  readonly pixels: Uint8Array;
  readonly side: number;
  readonly labels: Int32Array;
  readonly classCount: number;
}

export interface MemoryOptions {
  /** A divisor of the images' own side; smaller ones are means over squares of pixels. */
  readonly inputSize: number;
  readonly batch: number;
  /** Each epoch has an order of its own, which follows from it. */
  readonly seed: number;
}

/** A smaller batch at the end of an epoch is left out. @throws RangeError unless the size divides the images' side */
export function memoryData(images: MemoryImages, { inputSize, batch, seed }: MemoryOptions): TrainingData {
  const { labels, side, classCount } = images;
  if (side % inputSize !== 0) throw new RangeError(`Images of ${side} pixels cannot become ${inputSize}`);
  const classCounts = new Int32Array(classCount);
  for (const label of labels) classCounts[label]++;
  const names = Array.from(labels, (_, i) => `memory ${i}`);
  const batchesPerEpoch = Math.floor(labels.length / batch);
  const make = (indices: readonly number[]): Batch => {
    const size = inputSize ** 2 * 3;
    const values = new Float32Array(indices.length * size);
    indices.forEach((index, i) => {
      shrink(images, index, inputSize, values.subarray(i * size, (i + 1) * size));
    });
    return {
      images: [values],
      labels: Int32Array.from(indices, (index) => labels[index]),
      indices: Int32Array.from(indices),
      mixed: null,
    };
  };
  return {
    length: labels.length,
    labels,
    classCounts,
    imageIds: names,
    lesions: names,
    batchesPerEpoch,
    digest: null,
    renderer: 'typescript',
    async *batches(epoch) {
      const order = shuffled(labels.keys(), seedOf(seed, epoch));
      for (let b = 0; b < batchesPerEpoch; b++) yield make(order.slice(b * batch, (b + 1) * batch));
    },
    close: () => Promise.resolve(),
  };
}

/** Means over squares of pixels, 0…1. */
function shrink({ pixels, side }: MemoryImages, image: number, inputSize: number, into: Float32Array): void {
  const factor = side / inputSize;
  const start = image * side * side * 3;
  for (let y = 0; y < side; y++) {
    const row = Math.floor(y / factor) * inputSize;
    for (let x = 0; x < side; x++) {
      const from = start + (y * side + x) * 3;
      const to = (row + Math.floor(x / factor)) * 3;
      for (let c = 0; c < 3; c++) into[to + c] += pixels[from + c] / (255 * factor * factor);
    }
  }
}
