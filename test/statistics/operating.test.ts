import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderByScore, weightedAuc } from '../../src/statistics/auc.ts';
import { netBenefit, rocOf } from '../../src/statistics/operating.ts';

/** Images with few distinct scores, so that ties are common; both kinds present. */
const images = fc
  .array(
    fc.record({ score: fc.integer({ min: 0, max: 6 }).map((step) => step / 6), positive: fc.boolean() }),
    {
      minLength: 2,
      maxLength: 40,
    },
  )
  .filter((list) => list.some(({ positive }) => positive) && list.some(({ positive }) => !positive));
type Images = { score: number; positive: boolean }[];

const curveOf = (list: Images) =>
  rocOf(orderByScore(Float64Array.from(list, ({ score }) => score)), (i) => list[i].positive);

/** Sensitivity and specificity of calling positive what scores at least `threshold`, by counting. */
function counted(list: Images, threshold: number | null) {
  const isCalled = ({ score }: Images[number]) => threshold !== null && score >= threshold;
  const [positives, negatives] = [true, false].map((is) => list.filter(({ positive }) => positive === is));
  return {
    sensitivity: positives.filter(isCalled).length / positives.length,
    specificity: 1 - negatives.filter(isCalled).length / negatives.length,
  };
}

describe('the ROC', () => {
  it('has at each of its thresholds what counting gives there, from nothing to everything', () => {
    fc.assert(
      fc.property(images, (list) => {
        const points = curveOf(list);
        expect(points[0]).toEqual({ threshold: null, sensitivity: 0, specificity: 1 });
        expect(points.at(-1)).toMatchObject({ sensitivity: 1, specificity: 0 });
        for (const { threshold, ...point } of points) expect(point).toEqual(counted(list, threshold));
      }),
    );
  });

  it('leaves out nothing but points on a straight line: the area under it is the AUC', () => {
    fc.assert(
      fc.property(images, (list) => {
        const points = curveOf(list);
        const area = points.slice(1).reduce((sum, { sensitivity, specificity }, i) => {
          return sum + ((points[i].specificity - specificity) * (sensitivity + points[i].sensitivity)) / 2;
        }, 0);
        const order = orderByScore(Float64Array.from(list, ({ score }) => score));
        const auc = weightedAuc(order, (i) => list[i].positive, new Float64Array(list.length).fill(1));
        expect(area).toBeCloseTo(auc ?? Number.NaN, 12);
      }),
    );
  });

  it('does not exist without positives or without negatives', () => {
    expect(curveOf([{ score: 1, positive: true }])).toEqual([]);
    expect(curveOf([{ score: 1, positive: false }])).toEqual([]);
  });
});

describe('net benefit', () => {
  const truth = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 });
  const p = fc.integer({ min: 0, max: 99 }).map((step) => step / 100);
  const once = (list: readonly unknown[]) => new Float64Array(list.length).fill(1);

  it('is nothing for calling nobody, and what is found less the weighed alarms for calling everybody', () => {
    fc.assert(
      fc.property(truth, p, (isPositive, threshold) => {
        const nobody = isPositive.map(() => false);
        expect(netBenefit(isPositive, nobody, threshold, once(isPositive))).toBeCloseTo(0, 12);
        const share = isPositive.filter(Boolean).length / isPositive.length;
        const all = netBenefit(
          isPositive,
          isPositive.map(() => true),
          threshold,
          once(isPositive),
        );
        expect(all).toBeCloseTo(share - (1 - share) * (threshold / (1 - threshold)), 10);
      }),
    );
  });

  it('is greatest for calling exactly the positives, and then their share', () => {
    fc.assert(
      fc.property(truth, truth, p, (isPositive, calls, threshold) => {
        const isCalled = isPositive.map((_, i) => calls[i % calls.length]);
        const best = netBenefit(isPositive, isPositive, threshold, once(isPositive));
        expect(best).toBeCloseTo(isPositive.filter(Boolean).length / isPositive.length, 12);
        expect(netBenefit(isPositive, isCalled, threshold, once(isPositive))).toBeLessThanOrEqual(
          best + 1e-12,
        );
      }),
    );
  });
});
