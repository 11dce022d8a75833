import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../src/training/backend/backend.ts';
import { classWeights, logitAdjustment, lossOf, targetShares } from '../../../src/training/trainer/loss.ts';
import { learningRateAt } from '../../../src/training/trainer/schedule.ts';
import { seedOf } from '../../../src/training/trainer/seed.ts';

beforeAll(() => useBackend('cpu'));

const counts = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 2, maxLength: 9 });

describe('class weights', () => {
  it('are (n / (C·n_c))^power', () => {
    expect(Array.from(classWeights({ kind: 'inverseFrequency', power: 0.5 }, [30, 10]))).toEqual([
      Math.sqrt(40 / 60),
      Math.sqrt(40 / 20),
    ]);
  });

  it('by effective number lie between none and inverse frequency, with a mean of 1 over the images', () => {
    fc.assert(
      fc.property(counts, fc.double({ min: 0.5, max: 0.9999, noNaN: true }), (numbers, beta) => {
        const weights = classWeights({ kind: 'effectiveNumber', beta }, numbers);
        const total = numbers.reduce((sum, count) => sum + count, 0);
        const mean = numbers.reduce((sum, count, c) => sum + count * weights[c], 0) / total;
        expect(mean).toBeCloseTo(1, 9);
        numbers.forEach((count, c) => {
          const others = numbers.findIndex((other) => other > count);
          if (others < 0) return;
          const ratio = weights[c] / weights[others];
          expect(ratio).toBeGreaterThanOrEqual(1 - 1e-9);
          expect(ratio).toBeLessThanOrEqual(numbers[others] / count + 1e-9);
        });
      }),
    );
  });

  it('of a class without images are 0', () => {
    for (const balance of [
      { kind: 'none' },
      { kind: 'inverseFrequency', power: 1 },
      { kind: 'effectiveNumber', beta: 0.99 },
    ] as const) {
      expect(classWeights(balance, [5, 0, 2])[1]).toBe(0);
    }
  });
});

describe('logit adjustment', () => {
  it('is τ times the logarithm of each class’s share', () => {
    const adjustment = logitAdjustment(2, [1, 3]);
    expect(adjustment[0]).toBeCloseTo(2 * Math.log(1 / 4), 6);
    expect(adjustment[1]).toBeCloseTo(2 * Math.log(3 / 4), 6);
  });
});

describe('the loss', () => {
  const logits = [
    [1, -2, 0.5],
    [0, 3, -1],
  ];
  const logSoftmax = (row: readonly number[]) => {
    const sum = Math.log(row.reduce((total, value) => total + Math.exp(value), 0));
    return row.map((value) => value - sum);
  };
  const value = (inputs: Partial<Parameters<typeof lossOf>[1]>) =>
    tf.tidy(
      () =>
        lossOf(tf.tensor2d(logits), {
          shares: tf.zeros([2, 3]) as tf.Tensor2D,
          adjustment: tf.zeros([3]),
          teacher: null,
          distillation: null,
          ...inputs,
        }).dataSync()[0],
    );
  const shares = (array: Float32Array) => tf.tensor2d(array, [2, 3]);

  it('is the weighted mean cross-entropy', () => {
    const weights = Float64Array.of(1, 2, 5);
    const labels = Int32Array.of(2, 1);
    const expected = (-5 * logSoftmax(logits[0])[2] - 2 * logSoftmax(logits[1])[1]) / 7;
    const actual = value({ shares: shares(targetShares({ labels, mixed: null }, weights, 0)) });
    expect(actual).toBeCloseTo(expected, 5);
  });

  it('of a mixed batch is that of its two labels by their shares', () => {
    const weights = Float64Array.of(1, 1, 1);
    const labels = Int32Array.of(0, 1);
    const otherLabels = Int32Array.of(1, 2);
    const of = (own: Int32Array) =>
      value({ shares: shares(targetShares({ labels: own, mixed: null }, weights, 0.1)) });
    const mixed = { otherLabels, shares: Float32Array.of(0.75, 0.75) };
    const actual = value({ shares: shares(targetShares({ labels, mixed }, weights, 0.1)) });
    expect(actual).toBeCloseTo(0.75 * of(labels) + 0.25 * of(otherLabels), 5);
  });

  it('of any batch shares out exactly one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2), fc.nat(2), fc.double({ min: 0, max: 1, noNaN: true })), {
          minLength: 1,
          maxLength: 9,
        }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        (rows, smoothing) => {
          const labels = Int32Array.from(rows, ([label]) => label);
          const mixed = {
            otherLabels: Int32Array.from(rows, ([, other]) => other),
            shares: Float32Array.from(rows, ([, , share]) => share),
          };
          const all = targetShares({ labels, mixed }, Float64Array.of(0.5, 1, 3), smoothing);
          expect(all.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
        },
      ),
    );
  });

  it('of distillation has no gradient where the student gives the teacher’s answer', () => {
    const temperature = 3;
    const gradient = tf.tidy(() => {
      const student = tf.tensor2d(logits);
      const teacher = tf.softmax(tf.div(student, temperature)) as tf.Tensor2D;
      const loss = (x: tf.Tensor) =>
        lossOf(x as tf.Tensor2D, {
          shares: tf.zeros([2, 3]) as tf.Tensor2D,
          adjustment: tf.zeros([3]),
          teacher,
          distillation: { temperature, weight: 1 },
        });
      return Array.from(tf.grad(loss)(student).dataSync());
    });
    for (const slope of gradient) expect(Math.abs(slope)).toBeLessThan(1e-6);
  });
});

describe('the learning rate', () => {
  const recipe = { peak: 0.01, warmUp: 0.1, floor: 0.05 };
  const rates = Array.from({ length: 100 }, (_, step) => learningRateAt(recipe, step, 100));

  it('rises to its peak, then falls to its floor', () => {
    expect(Math.max(...rates)).toBe(0.01);
    expect(rates.indexOf(0.01)).toBe(9);
    expect(rates[99]).toBeCloseTo(0.0005, 4);
    expect(rates.slice(10).every((rate, i) => rate <= rates[9 + i])).toBe(true);
    expect(rates.slice(0, 9).every((rate, i) => rate < rates[i + 1])).toBe(true);
  });
});

describe('seeds', () => {
  it('of unlike parts do not meet, and repeat', () => {
    const seeds = Array.from({ length: 10_000 }, (_, i) => seedOf(7, i % 100, Math.floor(i / 100)));
    expect(new Set(seeds).size).toBeGreaterThan(9_990);
    expect(seedOf(7, 3, 4)).toBe(seeds[403]);
    expect(seedOf(8, 3, 4)).not.toBe(seeds[403]);
  });
});
