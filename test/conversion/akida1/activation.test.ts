/** Akida 1.0 steps evenly from a threshold; where its steps are ours, and how a factor is moved until they are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  activate,
  activationOf,
  type Channel,
  crossing,
  firstDifference,
} from '../../../src/conversion/akida1/activation.ts';
import { requantise } from '../../../src/model/requantise.ts';

/** Channels as conversions make them, with a reach that may lie anywhere about their steps. */
const channels = fc
  .record({
    multiplier: fc.integer({ min: 512, max: 32_767 }),
    shift: fc.integer({ min: 0, max: 7 }),
    offset: fc.integer({ min: -20_000, max: 20_000 }),
    maximum: fc.constantFrom(1, 3, 15),
    centre: fc.integer({ min: -5_000, max: 5_000 }),
    width: fc.integer({ min: 0, max: 3_000 }),
  })
  .map(({ centre, width, ...channel }) => ({
    ...channel,
    reach: { least: centre - width, most: centre + width },
  }));

const ours = ({ multiplier, shift, offset, maximum }: Channel, potential: number) =>
  requantise(potential + offset, multiplier, shift, 0, 0, maximum);

describe('the activation of Akida 1.0', () => {
  it.each([
    [100, 0],
    [101, 1],
    [110, 1],
    [111, 2],
    [-5000, 0],
    [9999, 15],
  ])('of threshold 100 and a step of ten makes of a potential of %i a %i', (potential, answer) => {
    expect(activate(potential, { threshold: 100, step: 160 }, 15)).toBe(answer);
  });

  it('has steps of sixteenths', () => {
    const at = (potential: number) => activate(potential, { threshold: 0, step: 40 }, 15);
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8].map(at)).toEqual([0, 1, 1, 2, 2, 2, 3, 3, 4]);
  });
});

describe('a level', () => {
  it('is crossed at the least potential whose requantisation reaches it', () => {
    fc.assert(
      fc.property(channels, fc.integer({ min: 1, max: 15 }), (channel, level) => {
        fc.pre(level <= channel.maximum);
        const at = crossing(channel, level);
        expect(ours(channel, at)).toBeGreaterThanOrEqual(level);
        expect(ours(channel, at - 1)).toBeLessThan(level);
      }),
    );
  });
});

describe('threshold and step of a channel', () => {
  it('give its integer at every potential that it reaches', () => {
    let found = 0;
    fc.assert(
      fc.property(channels, (channel) => {
        const activation = activationOf(channel);
        if (activation === null) return;
        found++;
        expect(firstDifference(channel, activation)).toBeNull();
      }),
      { numRuns: 300 },
    );
    expect(found).toBeGreaterThan(30);
  });

  it('are found whenever any are', () => {
    const evenChannels = fc.record({
      offset: fc.integer({ min: -2_000, max: 2_000 }),
      exponent: fc.integer({ min: 1, max: 6 }),
      shift: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(evenChannels, ({ offset, exponent, shift }) => {
        // A multiplier that is a power of two makes even steps of 2^(15 + shift) / multiplier potentials.
        const channel: Channel = {
          ...{ multiplier: 2 ** (15 - exponent), shift, offset, maximum: 15 },
          reach: { least: -1_000_000, most: 1_000_000 },
        };
        const activation = activationOf(channel);
        const threshold = crossing(channel, 1) - 1;
        expect(activation?.threshold).toBe(threshold);
        expect(Math.floor((activation?.step ?? 0) / 16)).toBe(2 ** (exponent + shift));
      }),
    );
  });

  it('differ from it at one potential when the threshold is one off', () => {
    const channel: Channel = {
      multiplier: 1024,
      shift: 2,
      offset: 13,
      maximum: 15,
      reach: { least: -4_000, most: 4_000 },
    };
    const activation = activationOf(channel);
    if (activation === null) throw new Error('None was found');
    const shifted = { ...activation, threshold: activation.threshold + 1 };
    expect(firstDifference(channel, shifted)).toBe(crossing(channel, 1));
    expect(firstDifference(channel, { ...activation, step: activation.step + 16 })).not.toBeNull();
  });

  it('do not exist for a bound that the chip’s bits do not have', () => {
    const channel: Channel = {
      multiplier: 1024,
      shift: 2,
      offset: 0,
      maximum: 12,
      reach: { least: 0, most: 4_000 },
    };
    expect(activationOf(channel)).toBeNull();
    expect(activationOf({ ...channel, reach: { least: 0, most: 1_000 } })).not.toBeNull();
  });

  it('exist for channels that never answer anything but one value', () => {
    const base = { multiplier: 1500, shift: 4, maximum: 15, reach: { least: -50, most: 50 } };
    for (const offset of [-100_000, 100_000, 2_450]) {
      const channel = { ...base, offset };
      const activation = activationOf(channel);
      expect(activation).not.toBeNull();
      if (activation !== null) expect(firstDifference(channel, activation)).toBeNull();
    }
  });
});
