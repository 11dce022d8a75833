import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Correction,
  correctedPotentials,
  noCorrection,
  quantised,
  realOf,
} from '../../../src/runtime/learning/correction.ts';
import { lifted } from '../../../src/runtime/learning/propose.ts';

const int16 = fc.integer({ min: -32_767, max: 32_767 });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const sum = fc.integer({ min: 0, max: 32_640 });

const cases = fc
  .tuple(
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: 1, max: 12 }),
    fc.nat(24),
  )
  .chain(([factoryClasses, added, features, shift]) => {
    const n = factoryClasses + added;
    const exactly = <T>(each: fc.Arbitrary<T>, length: number) =>
      fc.array(each, { minLength: length, maxLength: length });
    return fc.record({
      correction: fc.record({ weights: exactly(int16, n * features), bias: exactly(int32, n) }).map(
        ({ weights, bias }): Correction => ({
          classes: Array.from({ length: n }, (_, c) => `class${c}`),
          factoryClasses,
          benign: [],
          features,
          weights: Int16Array.from(weights),
          shift,
          bias: Int32Array.from(bias),
        }),
      ),
      factory: exactly(int32, factoryClasses).map((values) => Int32Array.from(values)),
      pooled: exactly(sum, features).map((values) => Int16Array.from(values)),
    });
  });

/** The definition, in integers of any size. */
function reference(
  { classes, factoryClasses, features, weights, shift, bias }: Correction,
  factory: Int32Array,
  pooled: Int16Array,
) {
  const corrected = (own: number, c: number) => {
    let total = 0n;
    pooled.forEach((value, k) => {
      total += BigInt(weights[c * features + k]) * BigInt(value);
    });
    // An arithmetic shift to the right rounds down.
    const correction = (2n * total + (1n << BigInt(shift))) >> BigInt(shift + 1);
    const potential = BigInt(own) + BigInt(bias[c]) + correction;
    const limit = 1n << 31n;
    return Number(potential < -limit ? -limit : potential >= limit ? limit - 1n : potential);
  };
  const known = [...factory].map(corrected);
  const largest = Math.max(...known);
  return [...known, ...classes.slice(factoryClasses).map((_, i) => corrected(largest, factoryClasses + i))];
}

describe('a corrected head', () => {
  it('computes its definition exactly, saturation and rounding included', () => {
    fc.assert(
      fc.property(cases, ({ correction, factory, pooled }) => {
        expect([...correctedPotentials(correction, factory, pooled)]).toEqual(
          reference(correction, factory, pooled),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('is the factory head where nothing was learned', () => {
    fc.assert(
      fc.property(cases, ({ correction: { factoryClasses, classes, features }, factory, pooled }) => {
        const none = noCorrection(classes.slice(0, factoryClasses), features);
        expect(correctedPotentials(none, factory, pooled)).toEqual(factory);
      }),
    );
  });

  it('is quantised to within half a step, in the finest steps that fit', () => {
    fc.assert(
      fc.property(cases, ({ correction }) => {
        const real = realOf(correction);
        const again = quantised(real, correction);
        const step = 2 ** -again.shift;
        real.weights.forEach((weight, i) => {
          expect(Math.abs(weight - again.weights[i] * step)).toBeLessThanOrEqual(step / 2);
        });
        expect(again.bias.every((bias, c) => Math.abs(bias - correction.bias[c]) <= 1)).toBe(true);
        expect(realOf(quantised(realOf(again), again))).toEqual(realOf(again));
      }),
    );
  });
});

describe('a head whose classes are raised', () => {
  it('has the potentials of these classes larger by so much, whatever the size, and no other', () => {
    const head = { ...noCorrection(['a', 'b', 'c'], 1), bias: Int32Array.of(1, 2, 2 ** 31 - 3) };
    expect([...lifted(head, [0, 2], 1.6).bias]).toEqual([3, 2, 2 ** 31 - 1]);
    expect([...lifted(head, [1], 1e30).bias]).toEqual([1, 2 ** 31 - 1, 2 ** 31 - 3]);
    expect(lifted(head, [], 5)).toEqual(head);
  });
});
