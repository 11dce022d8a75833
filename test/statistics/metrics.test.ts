import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderByScore, weightedAuc } from '../../src/statistics/auc.ts';
import { bootstrapIntervals } from '../../src/statistics/bootstrap.ts';
import { bootstrapDifferences } from '../../src/statistics/difference.ts';
import { measure, prepare, recallsOf, summarise } from '../../src/statistics/metrics.ts';
import type { Prediction } from '../../src/statistics/prediction.ts';
import { BINS, binOf } from '../../src/statistics/reliability.ts';

const CLASSES = ['akiec', 'mel', 'nv'];

/** All the probability that is left goes to the other classes in equal parts. */
function certain(label: number, named: number, confidence = 1, group: string | null = null): Prediction {
  const rest = (1 - confidence) / (CLASSES.length - 1);
  return { label, probabilities: CLASSES.map((_, c) => (c === named ? confidence : rest)), group };
}

const prediction: fc.Arbitrary<Prediction> = fc
  .tuple(
    fc.nat(CLASSES.length - 1),
    // Few distinct values, so that ties are common.
    fc.array(fc.integer({ min: 1, max: 4 }), { minLength: CLASSES.length, maxLength: CLASSES.length }),
    fc.option(fc.constantFrom('a', 'b', 'c'), { nil: null }),
  )
  .map(([label, parts, group]) => {
    const total = parts.reduce((sum, part) => sum + part, 0);
    return { label, probabilities: parts.map((part) => part / total), group };
  });
const predictions = fc.array(prediction, { minLength: 1, maxLength: 40 });

describe('the area under the ROC curve', () => {
  const area = (positives: number[], negatives: number[]) => {
    const scores = Float64Array.from([...positives, ...negatives]);
    return weightedAuc(
      orderByScore(scores),
      (i) => i < positives.length,
      new Float64Array(scores.length).fill(1),
    );
  };

  it('is 1 for a perfect ranking, 0 for its reverse, one half when all scores are equal', () => {
    expect(area([3, 4], [1, 2])).toBe(1);
    expect(area([1, 2], [3, 4])).toBe(0);
    expect(area([1, 1], [1, 1, 1])).toBe(0.5);
  });

  it('counts the pairs that are won, and half of the tied ones', () => {
    const scores = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(scores, scores, (positives, negatives) => {
        const won = positives.flatMap((p) => negatives.map((n) => (p > n ? 1 : p === n ? 0.5 : 0)));
        const share = won.reduce<number>((sum, pair) => sum + pair, 0) / won.length;
        expect(area(positives, negatives)).toBeCloseTo(share, 12);
      }),
    );
  });

  it('does not exist without positives or without negatives', () => {
    expect(area([], [1, 2])).toBeNull();
    expect(area([1, 2], [])).toBeNull();
  });
});

describe('metrics of a split', () => {
  it('are all perfect for a perfect model', () => {
    const metrics = measure(CLASSES, [certain(0, 0), certain(1, 1), certain(2, 2), certain(2, 2)]);
    expect(metrics).toMatchObject({ n: 4, top1: 1, macroF1: 1, balancedAccuracy: 1, macroAuc: 1, ece: 0 });
    expect(metrics.confusion).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 2],
    ]);
  });

  it('match a worked example', () => {
    // Truth: two akiec, two mel, four nv. One mel is called nv, one nv is called mel. Of the twelve pairs (mel, other)
    // five are won and six are tied.
    const metrics = measure(CLASSES, [
      certain(0, 0, 0.8),
      certain(0, 0, 0.8),
      certain(1, 1, 0.8),
      certain(1, 2, 0.8),
      certain(2, 2, 0.8),
      certain(2, 2, 0.8),
      certain(2, 2, 0.8),
      certain(2, 1, 0.8),
    ]);
    expect(metrics.top1).toBeCloseTo(6 / 8, 12);
    expect(metrics.balancedAccuracy).toBeCloseTo((1 + 1 / 2 + 3 / 4) / 3, 12);
    expect(metrics.macroF1).toBeCloseTo((1 + 1 / 2 + 3 / 4) / 3, 12);
    expect(metrics.perClass.mel).toEqual({
      support: 2,
      precision: 0.5,
      recall: 0.5,
      f1: 0.5,
      auc: 8 / 12,
    });
    expect(metrics.ece).toBeCloseTo(0.05, 12);
  });

  it('do not depend on the order of the images', () => {
    fc.assert(
      fc.property(
        predictions.chain((given) =>
          fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length })),
        ),
        ([given, shuffled]) => {
          const [one, other] = [measure(CLASSES, given), measure(CLASSES, shuffled)];
          expect(other.confusion).toEqual(one.confusion);
          for (const figure of ['top1', 'macroF1', 'balancedAccuracy', 'macroAuc', 'ece'] as const) {
            if (one[figure] === null) expect(other[figure]).toBeNull();
            else expect(other[figure]).toBeCloseTo(one[figure], 12);
          }
        },
      ),
    );
  });

  it('do not depend on the names and the order of the classes', () => {
    fc.assert(
      fc.property(predictions, (given) => {
        const rotated = given.map((p) => ({
          ...p,
          label: (p.label + 1) % 3,
          probabilities: [p.probabilities[2], p.probabilities[0], p.probabilities[1]],
        }));
        // The winner of tied probabilities is the first class, which rotation changes.
        fc.pre(given.every(({ probabilities: q }) => q.filter((p) => p === Math.max(...q)).length === 1));
        const one = measure(CLASSES, given);
        const other = measure(['x', 'y', 'z'], rotated);
        expect(other.top1).toBe(one.top1);
        expect(other.macroF1).toBeCloseTo(one.macroF1, 12);
        expect(other.ece).toBeCloseTo(one.ece, 12);
        expect(other.perClass.y).toEqual(one.perClass.akiec);
      }),
    );
  });

  it('stay within their range, and the confusion matrix holds every image once', () => {
    fc.assert(
      fc.property(predictions, (given) => {
        const metrics = measure(CLASSES, given);
        expect(metrics.confusion.flat().reduce((sum, count) => sum + count, 0)).toBe(given.length);
        expect(metrics.reliability.reduce((sum, { count }) => sum + count, 0)).toBe(given.length);
        for (const figure of ['top1', 'macroF1', 'balancedAccuracy', 'macroAuc', 'ece'] as const) {
          const value = metrics[figure];
          if (value === null) continue;
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('equal those of the repeated images when images are weighted', () => {
    fc.assert(
      fc.property(predictions, fc.array(fc.nat(3), { minLength: 40, maxLength: 40 }), (given, counts) => {
        const repeated = given.flatMap((p, i) => Array.from({ length: counts[i] }, () => p));
        fc.pre(repeated.length > 0);
        const { top1, macroF1, macroAuc, ece } = measure(CLASSES, repeated);
        const weighted = summarise(prepare(CLASSES, given), counts);
        expect(weighted.top1).toBeCloseTo(top1, 12);
        expect(weighted.macroF1).toBeCloseTo(macroF1, 12);
        expect(weighted.ece).toBeCloseTo(ece, 12);
        if (macroAuc === null) expect(weighted.macroAuc).toBeNull();
        else expect(weighted.macroAuc).toBeCloseTo(macroAuc, 12);
      }),
    );
  });
});

describe('a class without an image in the split', () => {
  const metrics = measure(CLASSES, [certain(1, 1), certain(1, 0), certain(2, 2)]);

  it('has no recall, F1 or area, and precision 0 when it was named all the same', () => {
    expect(metrics.perClass.akiec).toEqual({ support: 0, precision: 0, recall: null, f1: null, auc: null });
    const neverNamed = measure(CLASSES, [certain(1, 1), certain(2, 2)]);
    expect(neverNamed.perClass.akiec.precision).toBeNull();
  });

  it('is left out of the macro averages', () => {
    expect(metrics.balancedAccuracy).toBeCloseTo((1 / 2 + 1) / 2, 12);
    expect(metrics.macroF1).toBeCloseTo((2 / 3 + 1) / 2, 12);
  });
});

describe('degenerate splits', () => {
  it('of one class have no area', () => {
    expect(measure(CLASSES, [certain(2, 2), certain(2, 1)])).toMatchObject({ macroAuc: null, top1: 0.5 });
  });

  it('in which a class is never named give it precision 0 and F1 0', () => {
    expect(measure(CLASSES, [certain(0, 2), certain(2, 2)]).perClass.akiec).toMatchObject({
      precision: 0,
      f1: 0,
    });
  });

  it('without images, with labels outside the classes or with broken probabilities are refused', () => {
    expect(() => measure(CLASSES, [])).toThrow(RangeError);
    expect(() => measure(CLASSES, [{ ...certain(0, 0), label: 3 }])).toThrow(RangeError);
    expect(() => measure(CLASSES, [{ ...certain(0, 0), probabilities: [Number.NaN, 0, 1] }])).toThrow(
      RangeError,
    );
    expect(() => measure(CLASSES, [{ ...certain(0, 0), probabilities: [1, 0] }])).toThrow(RangeError);
  });
});

describe('the reliability bins', () => {
  it('are fifteen, of equal width, closed above', () => {
    expect(BINS).toBe(15);
    expect(binOf(0)).toBe(0);
    expect(binOf(1 / 15)).toBe(0);
    expect(binOf(1 / 15 + 1e-9)).toBe(1);
    expect(binOf(1)).toBe(14);
  });

  it('give the calibration error of a model that is always 90 % sure and right half of the time', () => {
    const half = Array.from({ length: 10 }, (_, i) => certain(2, i % 2 === 0 ? 2 : 0, 0.9));
    expect(measure(CLASSES, half).ece).toBeCloseTo(0.4, 12);
  });
});

describe('bootstrap intervals', () => {
  const sample = Array.from({ length: 120 }, (_, i) =>
    certain(i % 3, i % 4 === 0 ? (i + 1) % 3 : i % 3, 0.7, `l${i >> 1}`),
  );

  it('hold the figure, and repeat exactly for the same seed', () => {
    const intervals = bootstrapIntervals(CLASSES, sample);
    const metrics = measure(CLASSES, sample);
    for (const figure of ['top1', 'macroF1', 'balancedAccuracy'] as const) {
      const [low, high] = intervals.values[figure] ?? [2, -1];
      expect(low).toBeLessThanOrEqual(metrics[figure]);
      expect(high).toBeGreaterThanOrEqual(metrics[figure]);
      expect(high - low).toBeLessThan(0.3);
    }
    expect(bootstrapIntervals(CLASSES, sample)).toEqual(intervals);
    expect(bootstrapIntervals(CLASSES, sample, { seed: 1 }).values.top1).not.toEqual(intervals.values.top1);
  });

  it('draw lesions where they are known, which widens the interval of repeated photos', () => {
    const photos = sample.flatMap((p, i) =>
      Array.from({ length: 5 }, () => ({ ...p, group: `lesion ${i}` })),
    );
    const lone = photos.map((p) => ({ ...p, group: null }));
    const grouped = bootstrapIntervals(CLASSES, photos);
    const single = bootstrapIntervals(CLASSES, lone);
    expect(grouped).toMatchObject({ unit: 'lesion', units: 120 });
    expect(single).toMatchObject({ unit: 'image', units: 600 });
    const width = ({ values: { top1 } }: typeof grouped) => (top1 ? top1[1] - top1[0] : Number.NaN);
    expect(width(grouped)).toBeGreaterThan(1.5 * width(single));
  });

  it('are null where the figure is undefined', () => {
    expect(bootstrapIntervals(CLASSES, [certain(2, 2), certain(2, 1)]).values.macroAuc).toBeNull();
  });

  it('cover the truth about as often as they promise', () => {
    // 200 experiments on a model that is right with probability 0.7; 95 % intervals of 200 lesions each.
    let state = 7;
    const random = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    let covered = 0;
    for (let experiment = 0; experiment < 200; experiment++) {
      const images = Array.from({ length: 200 }, () => certain(2, random() < 0.7 ? 2 : 1, 0.9));
      const interval = bootstrapIntervals(CLASSES, images, { resamples: 200, seed: experiment }).values.top1;
      if (interval !== null && interval[0] <= 0.7 && 0.7 <= interval[1]) covered++;
    }
    expect(covered / 200).toBeGreaterThan(0.88);
    expect(covered / 200).toBeLessThan(0.99);
  });
});

describe('recalls of weighted images', () => {
  it('are those of the metrics when every image counts once', () => {
    fc.assert(
      fc.property(predictions, (given) => {
        const recalls = recallsOf(prepare(CLASSES, given), new Float64Array(given.length).fill(1));
        const { perClass } = measure(CLASSES, given);
        expect(recalls).toEqual(CLASSES.map((name) => perClass[name].recall));
      }),
    );
  });

  it('lie in their bootstrap intervals, which are wide for rare classes', () => {
    const given = Array.from({ length: 200 }, (_, i) => {
      const label = i < 10 ? 0 : i < 100 ? 1 : 2;
      return certain(label, i % 2 === 0 ? label : (label + 1) % 3, 0.7, `l${i}`);
    });
    const { recall } = bootstrapIntervals(CLASSES, given);
    const width = (name: string) => (recall[name]?.[1] ?? 0) - (recall[name]?.[0] ?? 0);
    for (const name of CLASSES) {
      expect(recall[name]?.[0]).toBeLessThanOrEqual(0.5);
      expect(recall[name]?.[1]).toBeGreaterThanOrEqual(0.5);
    }
    expect(width('akiec')).toBeGreaterThan(2 * width('mel'));
  });
});

describe('paired differences', () => {
  const half = Array.from({ length: 150 }, (_, i) =>
    certain(i % 3, i % 2 === 0 ? i % 3 : (i + 1) % 3, 0.7, `l${i}`),
  );
  const better = half.map((p, i) => (i % 10 === 1 ? certain(p.label, p.label, 0.7, p.group) : p));

  it('are nothing between a model and itself', () => {
    const { values, recall } = bootstrapDifferences(CLASSES, half, half);
    for (const { value, interval } of [...Object.values(values), ...Object.values(recall)]) {
      expect(value).toBe(0);
      expect(interval).toEqual([0, 0]);
    }
  });

  it('are the differences of the figures, and turn round with the models', () => {
    const forth = bootstrapDifferences(CLASSES, half, better);
    const back = bootstrapDifferences(CLASSES, better, half);
    const [one, other] = [measure(CLASSES, half), measure(CLASSES, better)];
    for (const figure of ['top1', 'macroF1', 'balancedAccuracy', 'ece'] as const) {
      expect(forth.values[figure].value).toBeCloseTo(other[figure] - one[figure], 12);
      expect(back.values[figure].value).toBeCloseTo(one[figure] - other[figure], 12);
    }
  });

  it('tell a gain that the unpaired intervals cannot', () => {
    const { values } = bootstrapDifferences(CLASSES, half, better);
    expect(values.top1.interval?.[0]).toBeGreaterThan(0);
    const [, high] = bootstrapIntervals(CLASSES, half).values.top1 ?? [0, 0];
    const [low] = bootstrapIntervals(CLASSES, better).values.top1 ?? [1, 1];
    expect(low).toBeLessThan(high);
  });

  it('are refused between answers to unlike images', () => {
    expect(() => bootstrapDifferences(CLASSES, half, half.slice(1))).toThrow(RangeError);
    const moved = [{ ...half[0], label: 2 }, ...half.slice(1)];
    expect(() => bootstrapDifferences(CLASSES, half, moved)).toThrow(RangeError);
  });
});
