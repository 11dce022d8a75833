import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACCUMULATOR_LIMIT, factorOf, fixedPointFor, requantise } from '../../src/model/requantise.ts';

const accumulator = fc.integer({ min: -ACCUMULATOR_LIMIT, max: ACCUMULATOR_LIMIT });
const factor = fc.double({ min: 1e-9, max: 0.999, noNaN: true });

describe('the fixed-point form of a factor', () => {
  it('lies within one part in two thousand of it, down to the smallest factors that matter', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -35, max: 0.9999, noNaN: true }), (wanted) => {
        const fixed = fixedPointFor(wanted);
        expect(Math.abs(factorOf(fixed) / wanted - 1)).toBeLessThanOrEqual(1 / 2048);
        expect(fixed.multiplier).toBeGreaterThanOrEqual(1);
        expect(fixed.multiplier).toBeLessThanOrEqual(32767);
        expect(fixed.shift).toBeLessThanOrEqual(30);
      }),
    );
  });

  it('that would round up to 2,048 is 1,024 with one shift less', () => {
    for (const shift of [1, 2, 7, 20, 30]) {
      // Just below 2^(−4 − shift): its multiplier lies within half a step of 2,048.
      const wanted = 2 ** (-4 - shift) * (1 - 2 ** -13);
      expect(fixedPointFor(wanted)).toEqual({ multiplier: 1024, shift: shift - 1 });
    }
  });

  it('that rounds to 2,047 stays as it is', () => {
    expect(fixedPointFor(2 ** -11 * (1 - 2 ** -11))).toEqual({ multiplier: 2047, shift: 7 });
  });

  it('that has no shift to give stays 2,048', () => {
    expect(fixedPointFor(2 ** -4 * (1 - 2 ** -13))).toEqual({ multiplier: 2048, shift: 0 });
    expect(fixedPointFor(2 ** -4)).toEqual({ multiplier: 2048, shift: 0 });
  });

  it.each([0, 1, -0.5, Number.NaN, Number.POSITIVE_INFINITY])('does not exist for %s', (wanted) => {
    expect(() => fixedPointFor(wanted)).toThrow(RangeError);
  });

  it('does not exist outside of 0 and 1, and what was given instead is said', () => {
    expect(() => fixedPointFor(1.5)).toThrow(/between 0 and 1 but received 1\.5$/);
  });
});

describe('requantisation', () => {
  it('equals real rounding within a sixteenth of a step, unless it is clipped', () => {
    fc.assert(
      fc.property(accumulator, factor, fc.integer({ min: 0, max: 255 }), (value, wanted, zeroPoint) => {
        const fixed = fixedPointFor(wanted);
        const exact = value * factorOf(fixed) + zeroPoint;
        const clipped = Math.min(255, Math.max(0, exact));
        const result = requantise(value, fixed.multiplier, fixed.shift, zeroPoint, 0, 255);
        // Half a step of rounding at the end, and half a step of the 16-bit value times at most 2^12/2^15 before it.
        const slack = fixed.multiplier < 2048 ? 0.5 + 1 / 16 : 1;
        expect(Math.abs(result - clipped)).toBeLessThanOrEqual(slack + 1e-9);
      }),
      { numRuns: 2000 },
    );
  });

  it('never leaves the clamp and never decreases when the accumulator grows', () => {
    fc.assert(
      fc.property(accumulator, accumulator, factor, (a, b, wanted) => {
        const { multiplier, shift } = fixedPointFor(wanted);
        const [low, high] = [Math.min(a, b), Math.max(a, b)].map((value) =>
          requantise(value, multiplier, shift, 100, 7, 201),
        );
        expect(low).toBeLessThanOrEqual(high);
        expect(low).toBeGreaterThanOrEqual(7);
        expect(high).toBeLessThanOrEqual(201);
      }),
    );
  });

  it('saturates between its steps at the bounds of sixteen bits and no sooner', () => {
    // A multiplier of 2^14 halves: the bound itself gives 16,384, and one below it 16,383.
    const narrowed = (accumulator: number, zeroPoint: number) =>
      requantise(accumulator, 16_384, 0, zeroPoint, -65_536, 65_536);
    expect(narrowed(32_765, 0)).toBe(16_383);
    expect(narrowed(32_767, 0)).toBe(16_384);
    expect(narrowed(32_768, 0)).toBe(16_384);
    expect(narrowed(ACCUMULATOR_LIMIT, 0)).toBe(16_384);
    expect(narrowed(-32_766, 0)).toBe(-16_383);
    expect(narrowed(-32_768, 0)).toBe(-16_384);
    expect(narrowed(-32_769, 0)).toBe(-16_384);
    expect(narrowed(-ACCUMULATOR_LIMIT, 0)).toBe(-16_384);
  });

  it('rounds ties upwards in both of its steps', () => {
    expect(requantise(1, 16384, 0, 0, 0, 255)).toBe(1);
    expect(requantise(-1, 16384, 0, 10, 0, 255)).toBe(10);
    expect(requantise(3, 32767, 1, 0, 0, 255)).toBe(2);
    expect(requantise(-3, 32767, 1, 10, 0, 255)).toBe(9);
  });
});
