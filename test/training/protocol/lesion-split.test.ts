import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../../src/dataset/dataset.ts';
import { groupBy } from '../../../src/group-by.ts';
import { SPLITS } from '../../../src/splits.ts';
import {
  DEFAULT_SHARES,
  type LesionMember,
  lesionSplit,
} from '../../../src/training/protocol/lesion-split.ts';
import { shuffled } from '../../../src/training/protocol/shuffle.ts';

/** Lesions with one class and one to six photographs; some of unknown lesion. */
const datasets = fc
  .array(
    fc.record({
      label: fc.integer({ min: 0, max: 6 }),
      photographs: fc.integer({ min: 1, max: 6 }),
      known: fc.boolean(),
    }),
    {
      minLength: 1,
      maxLength: 150,
    },
  )
  .map((lesions) =>
    lesions.flatMap(({ label, photographs, known }, lesion) =>
      Array.from(
        { length: photographs },
        (_, i): LesionMember => ({
          imageId: `${lesion}_${i}`,
          label,
          lesionId: known ? `HAM_${lesion}` : null,
        }),
      ),
    ),
  );
const seeds = fc.nat(2 ** 32 - 1);

describe('a split drawn by lesion', () => {
  it('gives every image one split and no lesion two', () => {
    fc.assert(
      fc.property(datasets, seeds, (images, seed) => {
        const splits = lesionSplit(images, seed);
        expect(splits.size).toBe(images.length);
        const ofLesion = new Map<string, string | undefined>();
        for (const { imageId, lesionId } of images) {
          if (lesionId === null) continue;
          const split = splits.get(imageId);
          expect(ofLesion.get(lesionId) ?? split).toBe(split);
          ofLesion.set(lesionId, split);
        }
      }),
    );
  });

  it('has every class in the shares asked for, within a lesion’s photographs', () => {
    fc.assert(
      fc.property(datasets, seeds, (images, seed) => {
        const splits = lesionSplit(images, seed);
        for (const members of groupBy(images, ({ label }) => label).values()) {
          for (const split of SPLITS) {
            const count = members.filter(({ imageId }) => splits.get(imageId) === split).length;
            expect(Math.abs(count - DEFAULT_SHARES[split] * members.length)).toBeLessThanOrEqual(12);
          }
        }
      }),
    );
  });

  it('follows from the images and the seed, not from their order', () => {
    fc.assert(
      fc.property(datasets, seeds, seeds, (images, seed, order) => {
        const splits = lesionSplit(images, seed);
        const again = lesionSplit(shuffled(images, order), seed);
        expect(images.every(({ imageId }) => splits.get(imageId) === again.get(imageId))).toBe(true);
      }),
    );
  });

  it('differs from seed to seed', () => {
    const images = Array.from({ length: 300 }, (_, i) => ({
      imageId: `${i}`,
      label: 0,
      lesionId: `${i >> 1}`,
    }));
    expect(lesionSplit(images, 1)).not.toEqual(lesionSplit(images, 2));
  });

  const folder = '../shared/ham10000';
  it.skipIf(!existsSync(folder))('splits HAM10000 70 : 10 : 20 in every class', async () => {
    const { samples } = await loadDataset(folder, ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc']);
    const splits = lesionSplit(samples, 0);
    for (const members of groupBy(samples, ({ label }) => label).values()) {
      for (const split of SPLITS) {
        const share = members.filter(({ imageId }) => splits.get(imageId) === split).length / members.length;
        expect(Math.abs(share - DEFAULT_SHARES[split])).toBeLessThan(0.02);
      }
    }
  });
});
