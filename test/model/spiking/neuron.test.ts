import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countSpikes, integrateAndFire } from '../../../src/model/spiking/neuron.ts';

const threshold = fc.integer({ min: 1, max: 255 * 2 ** 30 });
const steps = fc.integer({ min: 1, max: 255 });

/** A drive in 0…threshold. */
const driven = threshold.chain((limit) => fc.tuple(fc.constant(limit), fc.integer({ min: 0, max: limit })));

describe('a neuron under a constant drive', () => {
  it('fires, step by step, the number of spikes that is said at once', () => {
    fc.assert(
      fc.property(driven, steps, ([limit, drive], window) => {
        expect(countSpikes(drive, limit, window)).toBe(integrateAndFire(drive, limit, window));
      }),
      { numRuns: 5000 },
    );
  });

  it('fires the share of the steps that the drive is of the threshold, rounded half up', () => {
    fc.assert(
      fc.property(driven, steps, ([limit, drive], window) => {
        const spikes = BigInt(integrateAndFire(drive, limit, window));
        const [d, limitBig, t] = [BigInt(drive), BigInt(limit), BigInt(window)];
        // spikes − 1/2 ≤ T × drive / θ < spikes + 1/2
        expect(2n * t * d >= (2n * spikes - 1n) * limitBig).toBe(true);
        expect(2n * t * d < (2n * spikes + 1n) * limitBig).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it('counts an 8-bit clipped ReLU over 2^8 − 1 steps', () => {
    for (let value = 0; value <= 255; value++) expect(integrateAndFire(value, 255, 255)).toBe(value);
    // b bits: 2^b − 1 steps, the value that is nearest.
    for (const bits of [1, 2, 4]) {
      const levels = 2 ** bits - 1;
      for (let value = 0; value <= 255; value++) {
        expect(integrateAndFire(value, 255, levels)).toBe(Math.round((value * levels) / 255));
      }
    }
  });

  it('is silent without drive and fires at every step at the threshold', () => {
    fc.assert(
      fc.property(threshold, steps, (limit, window) => {
        expect(integrateAndFire(0, limit, window)).toBe(0);
        expect(integrateAndFire(limit, limit, window)).toBe(window);
      }),
    );
  });
});
