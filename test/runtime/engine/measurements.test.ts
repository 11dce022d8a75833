import { describe, expect, it } from 'vitest';
import { nativeAddon } from '../../../src/native/addon.ts';

const addon = nativeAddon();

describe('the machine’s limits', () => {
  it('are measured for every instruction set but the one whose instructions the compiler chooses', () => {
    const [scalar, ...others] = addon.instructionSets();
    expect(addon.measurePeak(scalar, 1)).toBe(0);
    for (const set of others) expect(addon.measurePeak(set, 5), set).toBeGreaterThan(1e6);
  });

  it.each([4096, 100_000, 2 ** 24])('in reading %i bytes are a positive number', (bytes) => {
    expect(addon.measureBandwidth(bytes, 1)).toBeGreaterThan(1e6);
  });

  it('are not measured in ways that cannot be', () => {
    expect(() => addon.measurePeak('neon9000', 1)).toThrow(
      expect.objectContaining({ code: 'INSTRUCTION_SET' }),
    );
    for (const milliseconds of [0, Number.NaN, 1e6]) {
      expect(() => addon.measurePeak('scalar', milliseconds)).toThrow(
        expect.objectContaining({ code: 'ARGUMENT', field: 'milliseconds' }),
      );
    }
    for (const bytes of [0, 100, 2 ** 40, Number.NaN]) {
      expect(() => addon.measureBandwidth(bytes, 1)).toThrow(
        expect.objectContaining({ code: 'ARGUMENT', field: 'bytes' }),
      );
    }
  });
});
