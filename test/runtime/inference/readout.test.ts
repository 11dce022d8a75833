import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, isUncertain, meanPotentials, softmax } from '../../../src/runtime/inference/readout.ts';

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const extreme = fc.constantFrom(-(2 ** 31), 2 ** 31 - 1);
const potentials = fc.array(int32, { minLength: 1, maxLength: 9 });
const alpha = fc.double({ min: 1e-12, max: 1e3, noNaN: true });

describe('softmax', () => {
  it('gives probabilities that sum to one and keep the order of the potentials', () => {
    fc.assert(
      fc.property(alpha, potentials, (scale, values) => {
        const probabilities = softmax(scale, values);
        expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
        for (let i = 1; i < values.length; i++) {
          if (values[i] > values[i - 1])
            expect(probabilities[i]).toBeGreaterThanOrEqual(probabilities[i - 1]);
        }
      }),
    );
  });

  it('is finite for every α that a bundle may have, whatever the potentials', () => {
    const permitted = fc.double({ min: 1e-30, max: 1e30, noNaN: true });
    fc.assert(
      fc.property(
        permitted,
        fc.array(fc.oneof(int32, extreme), { minLength: 1, maxLength: 9 }),
        (scale, values) => {
          for (const probability of softmax(scale, values)) {
            expect(probability).toBeGreaterThanOrEqual(0);
            expect(probability).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });

  it('is e^(αv) over its sum', () => {
    const [a, b, c] = softmax(0.5, [0, 2, -2]);
    expect(b / a).toBeCloseTo(Math.E, 12);
    expect(a / c).toBeCloseTo(Math.E, 12);
  });
});

describe('the decision', () => {
  const classes = ['akiec', 'bcc', 'mel'];

  it.each([
    [[0.2, 0.5, 0.3], [0, 0, 0], 'bcc'],
    [[0.2, 0.5, 0.3], [0, 0.6, 0.3], 'mel'],
    [[0.2, 0.5, 0.3], [0.5, 0.6, 0.4], 'indeterminate'],
    [[0.4, 0.4, 0.2], [0, 0, 0], 'akiec'],
    [[0, 0, 1], [0, 0, 1], 'mel'],
    [[0, 1, 0], [0, 1.1, 1], 'akiec'],
  ])('for %j with thresholds %j is %s', (probabilities, thresholds, expected) => {
    expect(decide(classes, probabilities, thresholds)).toBe(expected);
  });

  it('is uncertain strictly below τ', () => {
    const tiling = { enabled: true, tau: 0.5, overlap: 0.2 };
    expect(isUncertain([0.5, 0.3, 0.2], tiling)).toBe(false);
    expect(isUncertain([0.49, 0.3, 0.21], tiling)).toBe(true);
    expect(isUncertain([0.4, 0.3, 0.3], { ...tiling, tau: 0 })).toBe(false);
  });
});

describe('the mean of potentials', () => {
  it('is rounded to the nearest integer, half upwards', () => {
    expect([...meanPotentials(Int32Array.of(1, -1, 2, -2, 2, -2, 1, -1), 2)]).toEqual([2, -1]);
    expect([...meanPotentials(Int32Array.of(1, -3, 1, -3, 2, -2), 2)]).toEqual([1, -3]);
  });

  it('of equal images is theirs, and never leaves their range', () => {
    fc.assert(
      fc.property(fc.array(int32, { minLength: 4, maxLength: 4 }), (values) => {
        expect([...meanPotentials(Int32Array.from([...values, ...values, ...values]), 4)]).toEqual(values);
        const [mean] = meanPotentials(Int32Array.from(values), 1);
        expect(mean).toBeGreaterThanOrEqual(Math.min(...values));
        expect(mean).toBeLessThanOrEqual(Math.max(...values));
        expect(Math.abs(mean - values.reduce((sum, v) => sum + v / 4, 0))).toBeLessThanOrEqual(0.5);
      }),
    );
  });
});
