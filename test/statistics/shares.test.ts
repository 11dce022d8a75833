import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RESAMPLING } from '../../src/statistics/resampling.ts';
import { estimateOf, sharesOf } from '../../src/statistics/shares.ts';

const image = fc.record({
  group: fc.option(fc.constantFrom('a', 'b', 'c', 'd'), { nil: null }),
  isAsked: fc.boolean(),
  isHit: fc.boolean(),
});
const images = fc.array(image, { minLength: 1, maxLength: 25 });

const shareOf = (list: { group: string | null; isAsked: boolean; isHit: boolean }[]) =>
  sharesOf(list, [{ among: (i) => list[i].isAsked, holds: (i) => list[i].isHit }])[0];

describe('a share of images', () => {
  it('is what counting gives, and lies in its interval', () => {
    fc.assert(
      fc.property(images, (list) => {
        const share = shareOf(list);
        const asked = list.filter(({ isAsked }) => isAsked);
        expect(share.images).toBe(asked.length);
        expect(share.hits).toBe(asked.filter(({ isHit }) => isHit).length);
        if (asked.length === 0) {
          expect([share.value, share.low, share.high]).toEqual([null, null, null]);
          return;
        }
        expect(share.value).toBe(share.hits / share.images);
        for (const end of [share.low, share.high]) {
          expect(end).toBeGreaterThanOrEqual(0);
          expect(end).toBeLessThanOrEqual(1);
        }
        expect(share.low).toBeLessThanOrEqual(share.high ?? -1);
      }),
      { numRuns: 30 },
    );
  });

  it('counts images of one lesion as one lesion, and an image of no known lesion as one too', () => {
    const list = ['a', 'a', 'b', null, null].map((group) => ({ group, isAsked: true, isHit: true }));
    expect(shareOf(list)).toMatchObject({ hits: 5, images: 5, lesions: 4 });
  });

  it('does not claim certainty where all images agree: the interval is the exact one over lesions', () => {
    for (const lesions of [1, 5, 100]) {
      const list = Array.from({ length: lesions }, (_, i) => ({ group: `${i}`, isAsked: true, isHit: true }));
      const { low, high } = shareOf(list);
      // Of so many lesions all are hits with a chance of 2.5 % when the share is `low`.
      expect((low ?? 0) ** lesions).toBeCloseTo((1 - RESAMPLING.level) / 2, 10);
      expect(high).toBe(1);
      const none = shareOf(list.map((each) => ({ ...each, isHit: false })));
      expect(none).toMatchObject({ value: 0, low: 0 });
      expect(none.high).toBeCloseTo(1 - (low ?? 0), 12);
    }
  });

  it('has the bootstrap’s interval of any other figure where images do not agree', () => {
    const list = Array.from({ length: 40 }, (_, i) => ({
      group: `${i >> 1}`,
      isAsked: i % 5 !== 0,
      isHit: i % 3 === 0,
    }));
    const slow = estimateOf(list, (weights) => {
      const asked = list.map(({ isAsked }, i) => (isAsked ? weights[i] : 0));
      const all = asked.reduce((sum, weight) => sum + weight, 0);
      return asked.reduce((sum, weight, i) => sum + (list[i].isHit ? weight : 0), 0) / all;
    });
    expect(shareOf(list)).toMatchObject(slow);
  });
});
