import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitLogistic } from '../../../src/bench/triage/logistic.ts';
import { compareScores, type Observation } from '../../../src/bench/triage/scores.ts';
import { seededRandom } from '../../../src/random.ts';

describe('logistic regression', () => {
  const kase = fc.record({
    features: fc.tuple(fc.integer({ min: -5, max: 5 }), fc.integer({ min: -5, max: 5 })),
    isPositive: fc.boolean(),
    weight: fc.double({ min: 0.1, max: 3, noNaN: true }),
  });
  const cases = fc
    .array(kase, { minLength: 4, maxLength: 30 })
    .filter(
      (list) => list.some(({ isPositive }) => isPositive) && list.some(({ isPositive }) => !isPositive),
    );

  it('expects as many positives as there are: the slope of its likelihood along the intercept is nil', () => {
    fc.assert(
      fc.property(cases, (list) => {
        const predict = fitLogistic(list);
        const surplus = list.reduce(
          (sum, { features, isPositive, weight }) => sum + weight * (predict(features) - Number(isPositive)),
          0,
        );
        expect(surplus).toBeCloseTo(0, 5);
      }),
    );
  });

  it('does not depend on the scale or the origin of a feature', () => {
    fc.assert(
      fc.property(cases, (list) => {
        const moved = ([x, y]: readonly number[]) => [1000 * x - 7, y];
        const predict = fitLogistic(list);
        const other = fitLogistic(
          list.map(({ features, ...rest }) => ({ ...rest, features: moved(features) })),
        );
        for (const { features } of list) expect(other(moved(features))).toBeCloseTo(predict(features), 5);
      }),
    );
  });
});

/** Lesions of two photos each, whose first potential says how malignant they are; `noise` hides it. */
function observations(count: number, noise: number, seed: number): Observation[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const isMalignant = (i >> 1) % 3 === 0;
    const evidence = Number(isMalignant) + noise * (random() - 0.5);
    return {
      potentials: [100 * evidence, random() * 100],
      sum: 1 / (1 + Math.exp(-4 * (evidence - 0.5))),
      isMalignant,
      isWatched: isMalignant && (i >> 1) % 2 === 0,
      group: `lesion ${i >> 1}`,
    };
  });
}

describe('comparing scores of malignancy', () => {
  it('finds no difference where every score ranks all lesions rightly', () => {
    const rows = compareScores(observations(300, 0.2, 1), observations(300, 0.2, 2), 0.8);
    for (const { auc, specificity, difference } of rows) {
      expect(auc.value).toBe(1);
      expect(specificity.value).toBe(1);
      expect(difference.auc.value).toBe(0);
    }
  });

  it('prefers a regression where the sum says nothing, judged on lesions that it was not fitted on', () => {
    const blind = observations(300, 1.2, 3).map((each) => ({ ...each, sum: 0.5 }));
    const [sum, ...fitted] = compareScores(observations(300, 1.2, 4), blind, 0.8);
    expect(sum.auc.value).toBe(0.5);
    for (const { difference } of fitted) {
      expect(difference.auc.interval?.[0]).toBeGreaterThan(0.2);
      expect(difference.specificity.interval?.[0]).toBeGreaterThan(0);
    }
  });

  it('gives a score no credit for what it learned of the lesions that it is judged on', () => {
    // Noise alone: a score judged on its own lesions would rank them better than chance.
    const random = seededRandom(5);
    const noise = observations(200, 0, 6).map((each) => ({
      ...each,
      potentials: Array.from({ length: 30 }, random),
      sum: random(),
    }));
    const onValidation = compareScores(noise, noise, 0.8)[2];
    expect(onValidation.auc.value).toBeLessThan(0.62);
  });
});
