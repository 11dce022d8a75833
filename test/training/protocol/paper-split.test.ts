import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadDataset } from '../../../src/dataset/dataset.ts';
import { groupBy } from '../../../src/group-by.ts';
import { PAPER_SPLIT, paperSplit } from '../../../src/training/protocol/paper-split.ts';

const images = fc
  .array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 200 })
  .map((labels) => labels.map((label, i) => ({ imageId: `ISIC_${i}`, label })));
const seed = fc.nat(2 ** 32 - 1);
const keyOf = ({ imageId, copy }: { imageId: string; copy: number }) => `${imageId} ${copy}`;

describe('the publication’s split', () => {
  it('holds every original once and as many copies as asked for, no row twice', () => {
    fc.assert(
      fc.property(images, seed, fc.nat(400), (originals, seed, copies) => {
        const { train, test } = paperSplit(originals, { seed, copies, testShare: 0.2 });
        const rows = [...train, ...test];
        expect(new Set(rows.map(keyOf)).size).toBe(originals.length + copies);
        expect(rows.filter(({ copy }) => copy === 0)).toHaveLength(originals.length);
      }),
    );
  });

  it('fills the rarest classes up evenly', () => {
    fc.assert(
      fc.property(images, seed, fc.nat(400), (originals, seed, copies) => {
        const { train, test } = paperSplit(originals, { seed, copies, testShare: 0.5 });
        const labelOf = new Map(originals.map(({ imageId, label }) => [imageId, label]));
        const classes = [...groupBy([...train, ...test], ({ imageId }) => labelOf.get(imageId)).values()];
        const filled = classes.filter((rows) => rows.some(({ copy }) => copy > 0)).map((rows) => rows.length);
        const smallest = Math.min(...classes.map((rows) => rows.length));
        for (const size of filled) expect(size - smallest).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('is the same for the same seed and another for another', () => {
    const originals = Array.from({ length: 200 }, (_, i) => ({ imageId: `ISIC_${i}`, label: i % 7 }));
    const options = { copies: 100, testShare: 0.2 };
    expect(paperSplit(originals, { seed: 3, ...options })).toEqual(
      paperSplit(originals, { seed: 3, ...options }),
    );
    expect(paperSplit(originals, { seed: 3, ...options })).not.toEqual(
      paperSplit(originals, { seed: 4, ...options }),
    );
  });

  it('refuses to copy nothing', () => {
    expect(() => paperSplit([], { seed: 0, ...PAPER_SPLIT })).toThrowError(
      expect.objectContaining({ code: 'PAPER_SPLIT_EMPTY' }),
    );
  });

  const folder = '../shared/ham10000';
  it.skipIf(!existsSync(folder))(
    'leaks on HAM10000 as it does for its authors: 39 % of the test rows are copies',
    async () => {
      const { samples } = await loadDataset(folder, ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc']);
      const { train, test } = paperSplit(samples, { seed: 0, ...PAPER_SPLIT });
      expect(test.filter(({ copy }) => copy > 0).length / test.length).toBeCloseTo(0.39, 1);
      const trained = new Set(train.map(({ imageId }) => imageId));
      expect(test.filter(({ copy, imageId }) => copy > 0 && trained.has(imageId)).length).toBeGreaterThan(
        1000,
      );
    },
  );
});
