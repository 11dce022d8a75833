import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largestIndex } from '../../../src/runtime/inference/readout.ts';
import {
  type Correction,
  correctedPotentials,
  noCorrection,
} from '../../../src/runtime/learning/correction.ts';
import {
  deviationOf,
  dot,
  inverse,
  metricOf,
  outlyingAlong,
  transformed,
} from '../../../src/runtime/learning/metric.ts';
import { proposed } from '../../../src/runtime/learning/propose.ts';
import { boundary, withClass, withPrototype } from '../../../src/runtime/learning/prototype.ts';
import { CLASSES, drawCase, drawExample, FEATURES, FOREIGN } from '../../support/learnable.ts';
import { Random } from '../../support/random.ts';

const ALPHA = 0.001;
const ADDED = CLASSES.length;
const seeds = fc.integer({ min: 1, max: 1e6 });

function drawn(random: Random, perClass: number) {
  return CLASSES.flatMap((_, label) => Array.from({ length: perClass }, () => drawExample(random, label)));
}

/** What a bundle brings, from `seed` on. */
function known(seed: number, perClass = 12) {
  const random = new Random(seed);
  const bundled = drawn(random, perClass);
  const metric = metricOf(Int16Array.from(bundled.flatMap(({ pooled }) => [...pooled])), FEATURES);
  const start = withClass(noCorrection(CLASSES, FEATURES), 'foreign', ALPHA);
  const named = bundled.map(({ potentials }) => largestIndex(potentials));
  return { random, bundled, options: { metric, named, alpha: ALPHA }, start };
}

const isNamed = (correction: Correction, { potentials, pooled }: ReturnType<typeof drawCase>) => {
  const read = correctedPotentials(correction, potentials, pooled);
  return read[ADDED] > Math.max(...read.subarray(0, ADDED));
};

describe('an added class', () => {
  it('takes few cases of the others, and most of its own, from its first case on', () => {
    const shares = { others: [] as number[], own: [] as number[] };
    for (let seed = 1; seed <= 20; seed++) {
      const { random, options, start } = known(seed);
      const cases = Array.from({ length: 1 + (seed % 5) }, () => drawCase(random, FOREIGN).pooled);
      const head = withPrototype(start, ADDED, cases, options);
      const share = (label: number) =>
        Array.from({ length: 100 }, () => isNamed(head, drawCase(random, label))).filter(Boolean).length /
        100;
      shares.others.push(...CLASSES.map((_, label) => share(label)));
      shares.own.push(share(FOREIGN));
    }
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(shares.others)).toBeLessThan(0.03);
    expect(mean(shares.own)).toBeGreaterThan(0.5);
  });

  it('leaves the potentials of the factory’s classes as they are', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { random, bundled, options, start } = known(seed);
        const example = { ...drawCase(random, FOREIGN), label: ADDED };
        const head = proposed(start, { bundled, memory: [] }, example, options);
        const { potentials, pooled } = drawCase(random, seed % (FOREIGN + 1));
        expect(correctedPotentials(head, potentials, pooled).subarray(0, ADDED)).toEqual(potentials);
      }),
      { numRuns: 50 },
    );
  });

  it('keeps its own where a case of the factory’s classes is learned', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { random, bundled, options, start } = known(seed);
        const memory = [{ ...drawCase(random, FOREIGN), label: ADDED }];
        const before = proposed(start, { bundled, memory: [] }, memory[0], options);
        const after = proposed(before, { bundled, memory }, drawExample(random, 1, 300), options);
        for (const case_ of [drawCase(random, FOREIGN), drawCase(random, 0)]) {
          const above = ([...read]: Int32Array) => read[ADDED] - Math.max(...read.slice(0, ADDED));
          const of = (head: Correction) => above(correctedPotentials(head, case_.potentials, case_.pooled));
          // Half a step of each weight, and of the sum's rounding.
          const rounding =
            case_.pooled.reduce((sum, value) => sum + value, 0) * 2 ** -Math.min(before.shift, after.shift);
          expect(Math.abs(of(after) - of(before))).toBeLessThanOrEqual(rounding + 2);
        }
        expect(after.weights.slice(0, ADDED * FEATURES)).not.toEqual(
          before.weights.slice(0, ADDED * FEATURES),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('names nothing without a case, nor by cases that lie where all lie', () => {
    const { random, options, start } = known(7);
    const flat = metricOf(new Int16Array(3 * FEATURES).fill(500), FEATURES);
    const nowhere = withPrototype(start, ADDED, [new Int16Array(FEATURES).fill(500)], {
      ...options,
      metric: flat,
    });
    for (let i = 0; i < 100; i++) {
      expect(isNamed(start, drawCase(random, i % (FOREIGN + 1)))).toBe(false);
      expect(isNamed(nowhere, drawCase(random, i % (FOREIGN + 1)))).toBe(false);
    }
  });
});

describe('where an added class begins', () => {
  const gauss = (random: Random) =>
    Array.from({ length: 12 }, () => random.next()).reduce((a, b) => a + b, -6);
  /** Cases of answers around centres of their own. */
  const drawnAround = (centres: readonly number[], each: number, random = new Random(4)) => ({
    outlying: Float64Array.from(
      centres.flatMap((centre) => Array.from({ length: each }, () => centre + gauss(random))),
    ),
    named: centres.flatMap((_, answer) => Array.from({ length: each }, () => answer)),
  });

  it('is where one case in a hundred lies beyond it, each answer counting the same', () => {
    const { outlying, named } = drawnAround([-0.5, 0, 1], 400);
    const begins = boundary(outlying, named);
    const shares = [0, 1, 2].map(
      (answer) => [...outlying].filter((value, i) => named[i] === answer && value > begins).length / 400,
    );
    const mean = shares.reduce((a, b) => a + b, 0) / 3;
    // The count is smoothed, which moves the boundary out a little.
    expect(mean).toBeGreaterThan(0.001);
    expect(mean).toBeLessThan(0.011);
  });

  it('does not depend on how often an answer is given', () => {
    const { outlying, named } = drawnAround([0, 2], 50);
    const often = Array.from({ length: 9 }, () => [...outlying.subarray(0, 50)]).flat();
    const more = Float64Array.from([...often, ...outlying]);
    const moreNamed = [...often.map(() => 0), ...named];
    expect(boundary(more, moreNamed)).toBeCloseTo(boundary(outlying, named), 5);
  });

  it('lies farther out where one of the answers lies farther out', () => {
    fc.assert(
      fc.property(seeds, fc.double({ min: 0.5, max: 4, noNaN: true }), (seed, farther) => {
        const near = drawnAround([0, 0, 0], 30, new Random(seed));
        const far = drawnAround([0, 0, farther], 30, new Random(seed));
        expect(boundary(far.outlying, far.named)).toBeGreaterThan(boundary(near.outlying, near.named));
      }),
    );
  });

  it('is the least at which no more is taken, to a millionth', () => {
    const values = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(values, (outlying) => {
        const named = outlying.map(() => 0);
        const begins = boundary(Float64Array.from(outlying), named);
        const taken = (from: number) =>
          outlying.reduce((sum, value) => sum + 1 / (1 + Math.exp(5 * (from - value))), 0) / outlying.length;
        expect(taken(begins)).toBeLessThanOrEqual(0.01);
        if (begins > 1e-6) expect(taken(begins - 1e-6)).toBeGreaterThan(0.01);
      }),
    );
  });
});

describe('the deviation along a direction', () => {
  it('is what each case shows where the covariance was made without it', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { random, bundled, options } = known(seed, 6);
        const { metric } = options;
        const away = Float64Array.from(
          drawCase(random, FOREIGN).pooled,
          (value, k) => value - metric.mean[k],
        );
        const covariance = inverse(metric.precision, FEATURES);
        const squares = bundled.map(({ pooled }) => {
          const row = Float64Array.from(pooled, (value, k) => value - metric.mean[k]);
          // Less this case's part: nine tenths, as the rest is the diagonal's.
          const share = 0.9 / bundled.length;
          const without = covariance.map(
            (value, i) => value - share * row[Math.floor(i / FEATURES)] * row[i % FEATURES],
          );
          const direction = transformed({ precision: inverse(without, FEATURES) }, away);
          return dot(direction, 0, row) ** 2;
        });
        const expected = Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / squares.length);
        const deviation = deviationOf(outlyingAlong(metric, transformed(metric, away)));
        expect(deviation / expected).toBeCloseTo(1, 6);
      }),
      { numRuns: 20 },
    );
  });
});
