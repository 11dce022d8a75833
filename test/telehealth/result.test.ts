import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusedResult, resultOf } from '../../src/runtime/appliance/make-result.ts';
import type { Reading } from '../../src/runtime/inference/reading.ts';
import { bytesOf } from '../../src/telehealth/payload.ts';
import { resultSchema } from '../../src/telehealth/result.ts';
import { readings } from '../support/readings.ts';

const context = {
  id: randomUUID(),
  device: 'scope-1',
  capturedAt: new Date('2026-03-01T10:20:30.456Z'),
  source: 'phantom',
} as const;

const reading: Reading = {
  accepted: true,
  reasons: [],
  diagnosis: 'nv',
  probabilities: { akiec: 0.01, nv: 0.7654321987, mel: 0.2245678013 },
  potentials: { akiec: -300, nv: 900, mel: 400 },
  tiled: false,
  crop: { x: 10, y: 20, side: 300 },
  quality: {
    shortSide: 450,
    clippedShare: 0.012345,
    contrast: 31.23456,
    focus: 222.98765,
    noise: 1,
    constantBand: 0,
    highlight: 180,
    saturatedShare: 0,
  },
  timings: { decode: 1.23456, quality: 0.5, crop: 0.25, inference: 0.7, readout: 0.01, total: 2.7 },
  model: { name: 'qana64', version: '1.0.0', digest: 'ab'.repeat(32) },
  backend: 'cpu',
};

describe('a result', () => {
  it('says what was read, by what, when and where, rounded', () => {
    expect(resultOf(reading, context)).toEqual({
      schema: 'spikescope/result/1',
      id: context.id,
      device: 'scope-1',
      capturedAt: '2026-03-01T10:20:30.456Z',
      source: 'phantom',
      model: reading.model,
      backend: 'cpu',
      accepted: true,
      reasons: [],
      diagnosis: 'nv',
      probabilities: { nv: 0.765432, mel: 0.224568, akiec: 0.01 },
      tiled: false,
      crop: { x: 10, y: 20, side: 300 },
      quality: { shortSide: 450, clippedShare: 0.0123, contrast: 31.23, focus: 222.99 },
      timings: { decode: 1.235, quality: 0.5, crop: 0.25, inference: 0.7, readout: 0.01, total: 2.7 },
    });
  });

  it('says what to do where the model triages, and null for a retake', () => {
    const judged = { ...reading, triage: 'refer', malignancy: 0.123456789 } as const;
    expect(resultOf(judged, context)).toMatchObject({ triage: 'refer', malignancy: 0.123457 });
    const retake = { ...reading, accepted: false, triage: null, malignancy: null };
    expect(resultOf(retake, context)).toMatchObject({ triage: null, malignancy: null });
    expect(resultOf(judged, context).schema).toBe('spikescope/result/2');
    expect(resultOf(reading, context)).not.toHaveProperty('triage');
  });

  it('gives reasons that the first version has no word for in its nearest, each once', () => {
    const reasons = ['clipped', 'dark', 'bright', 'torn', 'out-of-focus'] as const;
    const retake = { ...reading, accepted: false, reasons };
    expect(resultOf(retake, context).reasons).toEqual(['clipped', 'unreadable', 'out-of-focus']);
    const judged = { ...retake, triage: null, malignancy: null };
    expect(resultOf(judged, context).reasons).toEqual(reasons);
  });

  it('names the learned head where one read it', () => {
    const head = '5e'.repeat(32);
    expect(resultOf({ ...reading, head }, context)).toEqual({ ...resultOf(reading, context), head });
  });

  it('follows its schema and stays below 4 kB whatever the reading', () => {
    fc.assert(
      fc.property(readings, (any) => {
        const result = resultOf(any, context);
        expect(resultSchema.safeParse(result).error).toBeUndefined();
        expect(bytesOf(JSON.stringify(result))).toBeLessThanOrEqual(4000);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves out the least probable classes when it must, and none otherwise', () => {
    fc.assert(
      fc.property(readings, (any) => {
        const kept = Object.keys(resultOf(any, context).probabilities);
        const all = Object.entries(any.probabilities);
        const left = all.filter(([name]) => !kept.includes(name)).map(([, value]) => value);
        const leastKept = Math.min(...kept.map((name) => any.probabilities[name]));
        expect(left.every((value) => value <= leastKept)).toBe(true);
        if (bytesOf(JSON.stringify(any)) < 2000) expect(left).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('rounds no probability by more than half of its sixth digit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (value) => {
        const { probabilities } = resultOf({ ...reading, probabilities: { nv: value } }, context);
        expect(Math.abs(probabilities.nv - value)).toBeLessThanOrEqual(0.5e-6 + 1e-12);
        expect(String(probabilities.nv).replace(/^\d\.?/, '').length).toBeLessThanOrEqual(8);
      }),
    );
  });

  it('carries nothing that the reading was given beside what it publishes', () => {
    const careless = { ...reading, path: '/home/anna/patient-17.jpg', rgb: new Uint8Array(100).fill(171) };
    const crop = { x: 1, y: 2, side: 3, file: 'patient-17.jpg' };
    const text = JSON.stringify(resultOf({ ...careless, crop }, context));
    expect(text).not.toMatch(/patient|171,171|potentials/);
  });
});

describe('the result of a frame that gave no reading', () => {
  it('asks for the frame again and names the fault by its code alone', () => {
    const result = refusedResult({ reason: 'unreadable', fault: 'IMAGE_TRUNCATED' }, context, reading);
    expect(resultSchema.parse(result)).toEqual(result);
    expect(result).toMatchObject({
      id: context.id,
      accepted: false,
      reasons: ['unreadable'],
      fault: 'IMAGE_TRUNCATED',
      diagnosis: 'retake',
      probabilities: {},
    });
  });
});
