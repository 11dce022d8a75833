import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../src/training/backend/backend.ts';
import { memoryData } from '../../../src/training/data/memory.ts';
import { leakageOf } from '../../../src/training/protocol/leakage.ts';
import { paperSplit } from '../../../src/training/protocol/paper-split.ts';
import { trainByPaper } from '../../../src/training/protocol/paper-training.ts';
import { synthesisePixels } from '../../../src/training/protocol/pixel-smote.ts';
import { TINY_RECIPE } from '../../support/phantom-training.ts';
import { Random } from '../../support/random.ts';
import { writeTinyDataset } from '../../support/tiny-dataset.ts';

let folder: string;
beforeAll(async () => {
  await useBackend();
  folder = await mkdtemp(path.join(tmpdir(), 'spikescope-paper-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** `sizes` images of each class; every class has brightness of its own. */
function pictures(sizes: readonly number[], width = 12) {
  const random = new Random(4);
  const labels = Int32Array.from(sizes.flatMap((size, label) => new Array<number>(size).fill(label)));
  const pixels = Uint8Array.from({ length: labels.length * width }, (_, i) => {
    return 60 * labels[Math.floor(i / width)] + random.integer(0, 40);
  });
  return { pixels, labels, width };
}

describe('SMOTE on raw pixels', () => {
  it('fills every class up to the largest, between images of that class', async () => {
    const made = await synthesisePixels(pictures([20, 8, 7]), 3, 1);
    expect([0, 1, 2].map((label) => made.labels.filter((own) => own === label).length)).toEqual([0, 12, 13]);
    made.pixels.forEach((value, i) => {
      const label = made.labels[Math.floor(i / made.width)];
      expect(value).toBeGreaterThanOrEqual(60 * label);
      expect(value).toBeLessThanOrEqual(60 * label + 40);
    });
  });

  it('leaves a class of one image alone', async () => {
    const made = await synthesisePixels(pictures([6, 1]), 2, 1);
    expect(made.labels).toHaveLength(0);
  });

  it('makes double exposures of neighbours: two images give the way between them', async () => {
    const images = {
      pixels: Uint8Array.from([0, 0, 100, 200, ...new Array<number>(20).fill(9)]),
      labels: Int32Array.from([0, 0, ...new Array<number>(10).fill(1)]),
      width: 2,
    };
    const { pixels, labels } = await synthesisePixels(images, 2, 1);
    expect(labels).toHaveLength(8);
    for (let i = 0; i < labels.length; i++) {
      expect(Math.abs(pixels[2 * i + 1] - 2 * pixels[2 * i])).toBeLessThanOrEqual(2);
    }
  });
});

describe('images in memory', () => {
  const side = 4;
  const { pixels, labels } = pictures([5, 4], side * side * 3);
  const images = { pixels, side, labels, classCount: 2 };

  it('come once per epoch at most, in an order of the epoch’s own', async () => {
    const data = memoryData(images, { inputSize: side, batch: 2, seed: 1 });
    const order = async (epoch: number) => {
      const seen: number[] = [];
      for await (const batch of data.batches(epoch)) seen.push(...batch.indices);
      return seen;
    };
    const first = await order(0);
    expect(new Set(first).size).toBe(8);
    expect(await order(0)).toEqual(first);
    expect(await order(1)).not.toEqual(first);
  });

  it('are shown as they are, or as means over squares', async () => {
    const [whole] = await batches(side);
    whole.indices.forEach((index, i) => {
      for (let p = 0; p < 48; p++) {
        expect(whole.images[0][i * 48 + p]).toBeCloseTo(pixels[index * 48 + p] / 255, 6);
      }
    });
    const [half] = await batches(2);
    half.indices.forEach((index, i) => {
      const sum = [0, 1, 4, 5].reduce((total, place) => total + pixels[index * 48 + 3 * place], 0);
      expect(half.images[0][i * 12]).toBeCloseTo(sum / 4 / 255, 6);
    });
    expect(() => memoryData(images, { inputSize: 3, batch: 2, seed: 1 })).toThrow(RangeError);
  });

  async function batches(inputSize: number) {
    const found = [];
    for await (const batch of memoryData(images, { inputSize, batch: 3, seed: 1 }).batches(0))
      found.push(batch);
    return found;
  }
});

describe('the leakage of a split', () => {
  it('is counted by its definition', () => {
    const row = (imageId: string, copy: number) => ({ imageId, copy });
    const split = {
      train: [row('a', 0), row('b', 1)],
      test: [row('a', 1), row('b', 0), row('c', 0), row('d', 0)],
    };
    const lesions: Record<string, string> = { a: 'x', b: 'y', c: 'x', d: 'z' };
    expect(leakageOf(split, (id) => lesions[id])).toEqual({
      trainRows: 2,
      testRows: 4,
      copies: 1 / 4,
      sharedImage: 2 / 4,
      sharedLesion: 3 / 4,
    });
  });

  it('is none without copies of images that are each a lesion of their own', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 60 }), fc.nat(1000), (count, seed) => {
        const images = Array.from({ length: count }, (_, i) => ({ imageId: `i${i}`, label: i % 3 }));
        const split = paperSplit(images, { seed, copies: 0, testShare: 0.5 });
        fc.pre(split.test.length > 0);
        expect(leakageOf(split, () => null)).toMatchObject({ copies: 0, sharedImage: 0, sharedLesion: 0 });
        const leaky = paperSplit(images, { seed, copies: 400, testShare: 0.5 });
        expect(leakageOf(leaky, () => null).sharedImage).toBeGreaterThan(0.5);
      }),
    );
  });
});

describe('the paper’s procedure', () => {
  it('trains on copies and double exposures, and is measured on rows that it half knows', async () => {
    const dataset = path.join(folder, 'set');
    await writeTinyDataset(dataset, 24);
    const { answers, leakage, syntheticImages, checkpoint } = await trainByPaper({
      images: { dataset, classes: ['benign', 'malign'], cacheFolder: folder, seed: 1 },
      folder: path.join(folder, 'trained'),
      recipe: TINY_RECIPE,
      copies: 40,
      resume: false,
    });
    expect(answers).toHaveLength(leakage.testRows);
    expect(leakage.trainRows + leakage.testRows).toBe(64);
    expect(leakage.sharedLesion).toBeGreaterThan(0.5);
    expect(syntheticImages).toBeGreaterThanOrEqual(0);
    expect(checkpoint.quantisation).toBeNull();
    expect(existsSync(path.join(folder, 'trained/float/best.checkpoint'))).toBe(true);
  }, 300_000);
});
