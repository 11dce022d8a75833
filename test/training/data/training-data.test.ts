import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage } from '../../../src/preprocess/decode.ts';
import { areaResample } from '../../../src/preprocess/resample.ts';
import { centredSquare } from '../../../src/preprocess/square.ts';
import { DEFAULT_AUGMENTATION, IDENTITY_AUGMENTATION } from '../../../src/training/data/augmentation.ts';
import { nativeLoader } from '../../../src/training/data/native.ts';
import { openTrainingData } from '../../../src/training/data/open.ts';
import type { Batch, TrainingData, TrainingDataOptions } from '../../../src/training/data/training-data.ts';
import { writeTinyDataset } from '../../support/tiny-dataset.ts';
import { epochOf, tinyOptions } from '../../support/training-options.ts';

/** 30 images of 15 lesions: ten in each split, lesions in turn benign and malign. */
const IMAGES = 30;
let folder: string;
const opened: TrainingData[] = [];

async function open(options: Partial<TrainingDataOptions> = {}): Promise<TrainingData> {
  const data = await openTrainingData(tinyOptions(folder, options));
  opened.push(data);
  return data;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'training-data-'));
  await writeTinyDataset(folder, IMAGES);
});
afterAll(async () => {
  await Promise.all(opened.map((data) => data.close()));
  await rm(folder, { recursive: true });
});

const indicesOf = (batches: readonly Batch[]) => batches.flatMap(({ indices }) => [...indices]);

describe.each([
  { renderer: 'native' as const, missing: nativeLoader() === null },
  { renderer: 'typescript' as const, missing: false },
])('training data ($renderer)', ({ renderer, missing }) => {
  it.skipIf(missing)('tells who the images of a split are', async () => {
    const data = await open({ renderer });
    expect(data).toMatchObject({ length: 10, batchesPerEpoch: 3, renderer });
    expect(data.classCounts).toEqual(Int32Array.of(6, 4));
    expect(data.labels).toHaveLength(10);
    expect(data.imageIds[0]).toBe('ISIC_0000');
    expect(data.lesions.slice(0, 3)).toEqual(['HAM_0', 'HAM_0', 'HAM_3']);
  });

  it.skipIf(missing)('has a digest that stands for what it shows, whatever the size', async () => {
    const { digest } = await open({ renderer });
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect((await open({ renderer, inputSizes: [8, 24] })).digest).toBe(digest);
    const others = await Promise.all([
      open({ renderer, seed: 8 }),
      open({ renderer, batch: 3 }),
      open({ renderer, dropLast: true }),
      open({ renderer, split: 'val' }),
      open({ renderer, augmentation: { ...DEFAULT_AUGMENTATION, flip: { horizontal: 0, vertical: 0.5 } } }),
    ]);
    expect(new Set([digest, ...others.map((other) => other.digest)]).size).toBe(6);
  });

  it.skipIf(missing)('shows every image once per epoch, each epoch in another order', async () => {
    const data = await open({ renderer });
    const [first, second] = [await epochOf(data, 0), await epochOf(data, 1)];
    expect(first.map(({ labels }) => labels.length)).toEqual([4, 4, 2]);
    expect(indicesOf(first).toSorted((a, b) => a - b)).toEqual([...data.labels.keys()]);
    expect(indicesOf(second)).not.toEqual(indicesOf(first));
    for (const { indices, labels } of [...first, ...second]) {
      expect(labels).toEqual(indices.map((index) => data.labels[index]));
    }
  });

  it.skipIf(missing)(
    'gives the same bytes for the same seed and epoch, whatever was read before',
    async () => {
      const mixing = { kind: 'mixup', probability: 1, alpha: 0.4 } as const;
      const options = { renderer, augmentation: { ...DEFAULT_AUGMENTATION, mixing } };
      const data = await open(options);
      const inOrder = [await epochOf(data, 0), await epochOf(data, 1), await epochOf(data, 2)];
      const resumed = await open(options);
      expect(await epochOf(resumed, 2)).toEqual(inOrder[2]);
      expect(await Promise.all([epochOf(resumed, 1), epochOf(resumed, 0)])).toEqual([inOrder[1], inOrder[0]]);
      expect(await epochOf(await open({ ...options, seed: 8 }), 0)).not.toEqual(inOrder[0]);
    },
  );

  it.skipIf(missing)('draws an image anew in every epoch, the same in any batch', async () => {
    const data = await open({ renderer, shuffle: false, batch: 1 });
    const [first, second] = [await epochOf(data, 0), await epochOf(data, 1)];
    expect(first[0].images).not.toEqual(second[0].images);
    const whole = await epochOf(await open({ renderer, shuffle: false, batch: 10 }), 0);
    const joined = first.flatMap(({ images }) => [...images[0]]);
    expect([...whole[0].images[0]]).toEqual(joined);
  });

  it.skipIf(missing)(
    'gives the device’s own input without augmentation, in the data set’s order',
    async () => {
      const data = await open({ renderer, augmentation: null, inputSizes: [16, 40] });
      const [{ images, indices, mixed }] = await epochOf(data, 0);
      expect(indices).toEqual(Int32Array.of(0, 1, 2, 3));
      expect(mixed).toBeNull();
      const frame = await decodeImage(path.join(folder, `images/part_1/${data.imageIds[1]}.jpg`));
      for (const [i, size] of [16, 40].entries()) {
        const expected = areaResample(frame, centredSquare(frame.width, frame.height), size);
        const numbers = size * size * 3;
        expect(images[i].subarray(numbers, 2 * numbers)).toEqual(
          Float32Array.from(expected, (value) => value / 255),
        );
      }
    },
  );

  it.skipIf(missing)('gives that input but for rounding when the augmentation changes nothing', async () => {
    const options = { renderer, shuffle: false, frameSide: null };
    const [augmented] = await epochOf(await open({ ...options, augmentation: IDENTITY_AUGMENTATION }), 0);
    const [exact] = await epochOf(await open({ ...options, augmentation: null }), 0);
    augmented.images[0].forEach((value, i) => {
      expect(Math.abs(value - exact.images[0][i])).toBeLessThan(0.501 / 255);
    });
  });

  it.skipIf(missing)('shows one view at every size', async () => {
    const data = await open({ renderer, inputSizes: [16, 32], batch: 1, shuffle: false });
    for (const { images } of await epochOf(data, 0)) {
      const [small, large] = images;
      const reduced = small.map((_, i) => {
        const [c, x, y] = [i % 3, Math.floor(i / 3) % 16, Math.floor(i / 48)];
        const at = (dx: number, dy: number) => large[3 * ((2 * y + dy) * 32 + 2 * x + dx) + c];
        return (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4;
      });
      const difference =
        small.reduce((sum, value, i) => sum + Math.abs(value - reduced[i]), 0) / small.length;
      expect(difference).toBeLessThan(0.03);
    }
  });
});

describe('training data', () => {
  it('leaves a smaller last batch out when asked to', async () => {
    const data = await open({ dropLast: true });
    const batches = await epochOf(data, 0);
    expect(batches.map(({ labels }) => labels.length)).toEqual([4, 4]);
    expect(data.batchesPerEpoch).toBe(2);
  });

  it('draws rare classes more often by sampling weights, with a view of its own each time', async () => {
    const data = await open({ classWeights: [0, 1], batch: 10 });
    const [{ labels, indices, images }] = await epochOf(data, 0);
    expect(labels).toEqual(new Int32Array(10).fill(1));
    const repeated = [...indices.keys()].filter((i) => indices[i] === indices[indices.length - 1]);
    expect(new Set(indices).size).toBeLessThan(10);
    const views = repeated.map((i) => images[0].slice(i * 768, (i + 1) * 768).join());
    expect(new Set(views).size).toBe(views.length);
  });

  it('mixes pairs of a batch, and says which labels in what shares', async () => {
    const plain = await epochOf(await open(), 0);
    for (const kind of ['mixup', 'cutmix'] as const) {
      const augmentation = { ...DEFAULT_AUGMENTATION, mixing: { kind, probability: 1, alpha: 1 } };
      const batches = await epochOf(await open({ augmentation }), 0);
      for (const [b, { images, labels, mixed }] of batches.entries()) {
        if (mixed === null) throw new Error('not mixed');
        const before = plain[b].images[0];
        expect(labels).toEqual(plain[b].labels);
        for (const [i, share] of mixed.shares.entries()) {
          expect(share).toBeGreaterThanOrEqual(0.4);
          const own = before.subarray(i * 768, (i + 1) * 768);
          const now = images[0].subarray(i * 768, (i + 1) * 768);
          const kept = now.filter((value, j) => value === own[j]).length / 768;
          if (kind === 'cutmix') expect(kept).toBeGreaterThanOrEqual(share - 1e-6);
          const partners = [...labels.keys()].filter((p) => labels[p] === mixed.otherLabels[i]);
          const fits = partners.some((p) => {
            const other = before.subarray(p * 768, (p + 1) * 768);
            return now.every((value, j) =>
              kind === 'mixup'
                ? Math.abs(value - share * own[j] - (1 - share) * other[j]) < 1e-5
                : value === own[j] || value === other[j],
            );
          });
          expect(fits).toBe(true);
        }
      }
    }
  });

  it('serves rows: images as they are, and copies that are the same for ever', async () => {
    const rows = [
      { imageId: 'ISIC_0003', copy: 0 },
      { imageId: 'ISIC_0003', copy: 1 },
      { imageId: 'ISIC_0003', copy: 2 },
    ];
    const options = { rows, augmentation: null, frameSide: null };
    const data = await open(options);
    expect(data.imageIds).toEqual(['ISIC_0003', 'ISIC_0003', 'ISIC_0003']);
    const [first] = await epochOf(data, 0);
    expect(await epochOf(data, 5)).toEqual([first]);
    const [original, one, two] = [0, 1, 2].map((i) => first.images[0].subarray(i * 768, (i + 1) * 768));
    expect(one).not.toEqual(original);
    expect(two).not.toEqual(one);
    const [exact] = await epochOf(await open({ split: 'all', augmentation: null }), 0);
    original.forEach((value, i) => {
      expect(Math.abs(value - exact.images[0][3 * 768 + i])).toBeLessThan(0.501 / 255);
    });
    await expect(open({ rows: [{ imageId: 'ISIC_9999', copy: 0 }] })).rejects.toMatchObject({
      code: 'TRAINING_ROW',
    });
  });

  it('can be left in the middle of an epoch, and refuses batches once closed', async () => {
    const data = await openTrainingData(tinyOptions(folder, { batch: 1 }));
    for await (const batch of data.batches(0)) {
      expect(batch.labels).toHaveLength(1);
      break;
    }
    const late = data.batches(0)[Symbol.asyncIterator]();
    await data.close();
    await expect(late.next()).rejects.toMatchObject({ code: 'TRAINING_DATA_CLOSED' });
  });

  it('refuses options that make no sense, naming them', async () => {
    const field = (name: string) => ({ code: 'TRAINING_OPTIONS', details: { field: name } });
    await expect(open({ batch: 0 })).rejects.toMatchObject(field('batch'));
    await expect(open({ inputSizes: [] })).rejects.toMatchObject(field('inputSizes'));
    await expect(open({ seed: -1 })).rejects.toMatchObject(field('seed'));
    await expect(open({ classWeights: [1] })).rejects.toMatchObject(field('classWeights'));
    await expect(open({ classWeights: [0, 0] })).rejects.toMatchObject(field('classWeights'));
    const contrast = { probability: 1, factor: [1.2, 0.8] } as const;
    await expect(open({ augmentation: { ...DEFAULT_AUGMENTATION, contrast } })).rejects.toMatchObject(
      field('augmentation.contrast.factor'),
    );
  });
});

describe('a data set without a split', () => {
  it('gets one drawn by lesion', async () => {
    const bare = await mkdtemp(path.join(tmpdir(), 'training-data-'));
    try {
      await writeTinyDataset(bare, IMAGES);
      await rm(path.join(bare, 'split_lesion.csv'));
      const parts = [];
      for (const split of ['train', 'val', 'test'] as const) {
        const data = await openTrainingData(tinyOptions(bare, { split }));
        parts.push(data);
        await data.close();
      }
      expect(parts.reduce((sum, { length }) => sum + length, 0)).toBe(IMAGES);
      const everywhere = parts.flatMap(({ lesions }) => [...new Set(lesions)]);
      expect(new Set(everywhere).size).toBe(everywhere.length);
      expect(parts[0].length).toBeGreaterThan(15);
    } finally {
      await rm(bare, { recursive: true });
    }
  });
});
