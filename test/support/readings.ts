import fc from 'fast-check';
import { TRIAGES } from '../../src/model/answers.ts';
import type { Reading } from '../../src/runtime/inference/reading.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const amount = fc.double({ min: 0, max: 1e9, noNaN: true });
const name = (maxLength: number) =>
  fc.string({ unit: 'binary', minLength: 1, maxLength }).filter((text) => text.length <= maxLength);

const digest = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });

/** Any reading that the classifier's types admit, up to a bundle's longest names and many classes. */
export const readings: fc.Arbitrary<Reading> = fc
  .record({
    accepted: fc.boolean(),
    reasons: fc.uniqueArray(
      fc.constantFrom(
        'too-small',
        'flat',
        'clipped',
        'dark',
        'bright',
        'torn',
        'out-of-focus',
        'out-of-scope',
      ),
    ),
    diagnosis: name(64),
    probabilities: fc.dictionary(name(64), share, { maxKeys: 200, size: 'max' }),
    tiled: fc.boolean(),
    crop: fc.option(
      fc.record({ x: fc.nat(100_000), y: fc.nat(100_000), side: fc.integer({ min: 1, max: 100_000 }) }),
    ),
    quality: fc.record({
      shortSide: fc.nat(100_000),
      clippedShare: share,
      contrast: amount,
      focus: amount,
      noise: amount,
      constantBand: share,
      highlight: fc.nat(255),
      saturatedShare: share,
    }),
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
      digest,
    }),
    backend: fc.constantFrom('cpu', 'akida', 'interpreter'),
    head: fc.option(digest),
    /** Of a model that can tell. */
    unfamiliar: fc.option(fc.boolean()),
    /** Of a model that triages. */
    judged: fc.option(fc.record({ triage: fc.constantFrom(...TRIAGES), malignancy: share })),
  })
  .map(({ head, judged, unfamiliar, ...reading }) => ({
    ...reading,
    potentials: {},
    ...(judged !== null && (reading.accepted ? judged : { triage: null, malignancy: null })),
    ...(unfamiliar !== null && reading.accepted && { unfamiliar }),
    ...(head !== null && { head }),
  }));

/** One reading as the classifier gives it. */
export const READING: Reading = {
  accepted: true,
  reasons: [],
  diagnosis: 'nv',
  probabilities: { nv: 0.9, mel: 0.1 },
  potentials: { nv: 9, mel: 1 },
  tiled: false,
  crop: { x: 0, y: 0, side: 450 },
  quality: {
    shortSide: 450,
    clippedShare: 0,
    contrast: 30,
    focus: 200,
    noise: 1,
    constantBand: 0,
    highlight: 180,
    saturatedShare: 0,
  },
  timings: { decode: 1, quality: 1, crop: 1, inference: 1, readout: 1, total: 5 },
  model: { name: 'm', version: '1', digest: '0'.repeat(64) },
  backend: 'cpu',
};
