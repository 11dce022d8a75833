import fc from 'fast-check';
import type { Reading } from '../../src/runtime/reading.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const amount = fc.double({ min: 0, max: 1e9, noNaN: true });
const name = (maxLength: number) =>
  fc.string({ unit: 'binary', minLength: 1, maxLength }).filter((text) => text.length <= maxLength);

/** Any reading that the classifier's types admit, up to a bundle's longest names and many classes. */
export const readings: fc.Arbitrary<Reading> = fc
  .record({
    accepted: fc.boolean(),
    reasons: fc.uniqueArray(fc.constantFrom('too-small', 'flat', 'clipped', 'out-of-focus')),
    diagnosis: name(64),
    probabilities: fc.dictionary(name(64), share, { maxKeys: 200, size: 'max' }),
    tiled: fc.boolean(),
    crop: fc.option(
      fc.record({ x: fc.nat(100_000), y: fc.nat(100_000), side: fc.integer({ min: 1, max: 100_000 }) }),
    ),
    quality: fc.record({ shortSide: fc.nat(100_000), clippedShare: share, contrast: amount, focus: amount }),
    timings: fc.record({
      decode: amount,
      quality: amount,
      crop: amount,
      inference: amount,
      readout: amount,
      total: amount,
    }),
    model: fc.record({
      name: name(128),
      version: name(64),
      digest: fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 }),
    }),
    backend: fc.constantFrom('cpu', 'akida', 'interpreter'),
  })
  .map((reading) => ({ ...reading, potentials: {} }));
