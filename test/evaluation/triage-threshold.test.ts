import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Malignancy, triageThreshold } from '../../src/evaluation/calibration/triage-threshold.ts';
import { seededRandom } from '../../src/random.ts';

const SENSITIVITY = 0.9;

/** Mean over lesions of the share of their images that lie below the threshold. */
function missedShare(images: readonly Malignancy[], threshold: number): number {
  const names = [...new Set(images.map(({ lesionId }) => lesionId))];
  const shares = names.map((name) => {
    const own = images.filter(({ lesionId }) => lesionId === name);
    return own.filter(({ score }) => score < threshold).length / own.length;
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

const lesionsOf = (images: readonly Malignancy[]) => new Set(images.map(({ lesionId }) => lesionId)).size;

function isPromised(images: readonly Malignancy[], threshold: number): boolean {
  const n = lesionsOf(images);
  return (n * missedShare(images, threshold) + 1) / (n + 1) <= 1 - SENSITIVITY + 1e-9;
}

/** Scores on a coarse grid, so that many are equal. */
const group = fc
  .array(fc.record({ score: fc.integer({ min: 0, max: 20 }).map((step) => step / 20), lesion: fc.nat(60) }), {
    minLength: 1,
    maxLength: 150,
  })
  .map((images) => images.map(({ score, lesion }): Malignancy => ({ score, lesionId: `lesion ${lesion}` })));

describe('the threshold of triage', () => {
  it('keeps the bound of conformal risk control, and no higher one does', () => {
    fc.assert(
      fc.property(group, (images) => {
        const { threshold } = triageThreshold({ images }, SENSITIVITY);
        if (1 / (lesionsOf(images) + 1) > 1 - SENSITIVITY + 1e-9) return threshold === 0;
        const above = images.map(({ score }) => score).filter((score) => score >= threshold);
        // The lowest of these must be found: whatever lies above it would miss it.
        const higher = above.filter((score) => score > Math.min(...above));
        return isPromised(images, threshold) && higher.every((score) => !isPromised(images, score));
      }),
      { numRuns: 500 },
    );
  });

  it('is the lowest of all groups', () => {
    fc.assert(
      fc.property(group, group, (malignant, melanoma) => {
        const alone = [malignant, melanoma].map((one) => triageThreshold({ one }, SENSITIVITY).threshold);
        return triageThreshold({ malignant, melanoma }, SENSITIVITY).threshold === Math.min(...alone);
      }),
    );
  });

  it('misses no larger share of new lesions than was promised, in the mean over choices', () => {
    const random = seededRandom(5);
    const draw = (n: number) =>
      Array.from({ length: n }, (_, i): Malignancy => ({ score: random() ** 2, lesionId: `${i}` }));
    const missed = Array.from({ length: 2000 }, () => {
      const { threshold } = triageThreshold({ malignant: draw(60) }, SENSITIVITY);
      return missedShare(draw(60), threshold);
    });
    const mean = missed.reduce((sum, share) => sum + share, 0) / missed.length;
    expect(mean).toBeLessThan(1 - SENSITIVITY);
    expect(mean).toBeGreaterThan(0.7 * (1 - SENSITIVITY));
  });

  it('refers every lesion where there are too few to promise anything', () => {
    const few = Array.from({ length: 8 }, (_, i): Malignancy => ({ score: 1, lesionId: `${i}` }));
    expect(triageThreshold({ malignant: few }, SENSITIVITY)).toEqual({
      threshold: 0,
      lesions: { malignant: 8 },
    });
    expect(triageThreshold({ malignant: [] }, SENSITIVITY).threshold).toBe(0);
  });
});
