import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDataset, type Sample } from '../../src/dataset/dataset.ts';
import { CORRUPTIONS, type Corruption, corruptionSeed } from '../../src/evaluation/corruption/corruptions.ts';
import { daylightGains, underLight } from '../../src/evaluation/corruption/illuminant.ts';
import { measureCorruption } from '../../src/evaluation/corruption/measure.ts';
import { rotated } from '../../src/evaluation/corruption/rotate.ts';
import { type Outcome, readSplit } from '../../src/evaluation/read-split.ts';
import type { RgbFrame } from '../../src/frame.ts';
import type { TriageSection } from '../../src/model/bundle/triage-section.ts';
import { writeBundle } from '../../src/model/bundle/write.ts';
import { decodeImage } from '../../src/preprocess/decode.ts';
import { type OpenModel, openModel } from '../../src/runtime/engine/open-model.ts';
import { createClassifier } from '../../src/runtime/inference/classifier.ts';
import { drawnLesion } from '../support/drawn-lesion.ts';
import { writeTinyDataset } from '../support/tiny-dataset.ts';
import { tinyModel } from '../support/tiny-model.ts';
import { framesUpTo } from '../support/views.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

function corruption(name: string): Corruption {
  const found = CORRUPTIONS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no corruption is named ${name}`);
  return found;
}

function even(side: number, value: number): RgbFrame {
  return { rgb: new Uint8Array(3 * side * side).fill(value), width: side, height: side };
}

function meanOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

describe('a corruption', () => {
  it('gives a frame of the same size, and for one seed the same pixels', async () => {
    for (const { apply } of CORRUPTIONS) {
      const frame = drawnLesion(90, 70);
      const [first, second] = [await apply(frame, 5), await apply(frame, 5)];
      expect(first).toMatchObject({ width: 90, height: 70 });
      expect(first.rgb).toHaveLength(frame.rgb.length);
      expect(Buffer.compare(first.rgb, second.rgb)).toBe(0);
      expect(Buffer.compare(first.rgb, frame.rgb)).not.toBe(0);
    }
  });

  it('has a seed of its own for each image', () => {
    expect(corruptionSeed('noise', 'a')).toBe(corruptionSeed('noise', 'a'));
    expect(corruptionSeed('noise', 'a')).not.toBe(corruptionSeed('noise', 'b'));
    expect(corruptionSeed('noise', 'a')).not.toBe(corruptionSeed('rotation', 'a'));
  });

  it('of brightness is a fifth of it, up to white', async () => {
    for (const [name, factor] of [['darker', 0.8] as const, ['brighter', 1.2] as const]) {
      const { rgb } = await corruption(name).apply(
        { rgb: Uint8Array.of(0, 100, 250), width: 1, height: 1 },
        1,
      );
      expect(Array.from(rgb)).toEqual([0, 100 * factor, Math.min(255, 250 * factor)]);
    }
  });

  it('of noise is that of a picture of 224 pixels, however finely the photograph is drawn', async () => {
    for (const side of [112, 224]) {
      const { rgb } = await corruption('noise').apply(even(side, 128), 3);
      const deviation = Math.sqrt(meanOf(Array.from(rgb, (value) => (value - 128) ** 2))) / 255;
      expect(deviation / (0.18 * (side / 224))).toBeCloseTo(1, 1);
    }
  });
});

describe('light of another colour', () => {
  it('keeps the luminance of white, and daylight its colour', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4000, max: 25_000 }), (temperature) => {
        const [red, green, blue] = daylightGains(temperature);
        expect(0.2126390059 * red + 0.7151686788 * green + 0.0721923154 * blue).toBeCloseTo(1, 9);
      }),
    );
    for (const gain of daylightGains(6504)) expect(gain).toBeCloseTo(1, 2);
  });

  it('is redder below it, bluer above', () => {
    const [warm, cold] = [4000, 10_000].map((kelvin) => underLight(even(1, 100), daylightGains(kelvin)).rgb);
    expect(warm[0]).toBeGreaterThan(warm[1]);
    expect(warm[1]).toBeGreaterThan(warm[2]);
    expect(cold[0]).toBeLessThan(cold[1]);
    expect(cold[1]).toBeLessThan(cold[2]);
  });
});

describe('a turned frame', () => {
  it('is itself by no angle, upside down by half a turn, and within its own colours by any', () => {
    fc.assert(
      fc.property(framesUpTo(24), seeds, (frame, angle) => {
        expect(rotated(frame, 0).rgb).toEqual(frame.rgb);
        const pixels = frame.rgb.length / 3;
        const upsideDown = frame.rgb.map((_, i) => frame.rgb[3 * (pixels - 1 - Math.floor(i / 3)) + (i % 3)]);
        expect(rotated(frame, Math.PI).rgb).toEqual(upsideDown);
        const turned = rotated(frame, angle).rgb;
        expect(Math.max(...turned)).toBeLessThanOrEqual(Math.max(...frame.rgb));
        expect(Math.min(...turned)).toBeGreaterThanOrEqual(Math.min(...frame.rgb));
      }),
    );
  });
});

describe('what corruption costs', () => {
  let folder: string;
  let model: OpenModel;
  let samples: readonly Sample[];
  let clean: readonly Outcome[];
  const plain = { crop: false, tiling: false };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'corruption-'));
    await writeTinyDataset(path.join(folder, 'set'), 24);
    await writeBundle(path.join(folder, 'tiny.spikescope'), tinyModel());
    model = await openModel(path.join(folder, 'tiny.spikescope'));
    samples = (await loadDataset(path.join(folder, 'set'), model.bundle.graph.classes)).samples;
    clean = (await readSplit(samples, model.bundle, model.engine, plain)).outcomes;
  });
  afterAll(async () => {
    await model.engine.close();
    await rm(folder, { recursive: true });
  });

  const measured = (corruptions: readonly Corruption[]) =>
    measureCorruption(clean, model.bundle, model.engine, plain, corruptions);

  it('is nothing where nothing is changed', async () => {
    const none = { name: 'none', words: 'none', apply: (frame: RgbFrame) => frame };
    const { corruptions, meanLost } = await measured([none]);
    expect(corruptions[0].lost).toEqual({ value: 0, interval: [0, 0] });
    expect(meanLost).toEqual({ value: 0, interval: [0, 0] });
  });

  it('is counted on what the classifier answers to the corrupted frame', async () => {
    const { corruptions, meanLost } = await measured([corruption('noise'), corruption('darker')]);
    const classifier = createClassifier(model.bundle, model.engine, { ...plain, integrityCheck: false });
    for (const { name, top1, lost } of corruptions) {
      let [right, before] = [0, 0];
      for (const { imageId, file, label } of samples) {
        const frame = await decodeImage(file);
        const changed = await corruption(name).apply(frame, corruptionSeed(name, imageId));
        const named = async (shown: RgbFrame) => {
          const { probabilities } = (await classifier.classify(shown)).reading;
          return probabilities.benign >= probabilities.malign ? 0 : 1;
        };
        if ((await named(changed)) === label) right++;
        if ((await named(frame)) === label) before++;
      }
      expect(top1).toBeCloseTo(right / samples.length, 12);
      expect(lost.value).toBeCloseTo((before - right) / samples.length, 12);
      expect(lost.interval[0]).toBeLessThanOrEqual(lost.value);
      expect(lost.interval[1]).toBeGreaterThanOrEqual(lost.value);
    }
    expect(meanLost.value).toBeCloseTo((corruptions[0].lost.value + corruptions[1].lost.value) / 2, 12);
  });

  it('says of triage how many malignant lesions are referred, and how many others are not', async () => {
    const { corruptions, clean: without } = await measured([corruption('warm')]);
    expect(without).toEqual({ sensitivity: null, specificity: null });
    const share = { value: 0.5, low: 0, high: 1 };
    const rule: TriageSection = {
      version: 1,
      score: 'sum',
      malignant: ['malign'],
      threshold: 0,
      method: 'conformal-risk-control',
      sensitivity: 0.95,
      lesions: { malignant: 6, watched: null },
      expected: { sensitivity: share, watchedSensitivity: null, specificity: share },
    };
    const figures = async (threshold: number) => {
      const bundle = { ...model.bundle, triage: { ...rule, threshold } };
      const { outcomes } = await readSplit(samples, bundle, model.engine, plain);
      return measureCorruption(outcomes, bundle, model.engine, plain, [corruption('warm')]);
    };
    const all = { sensitivity: 1, specificity: 0 };
    expect(await figures(0)).toMatchObject({ clean: all, corruptions: [all] });
    expect(corruptions[0]).toMatchObject({ sensitivity: null, specificity: null });
    const half = await figures(0.5);
    const referred = (malign: boolean) =>
      clean.filter(
        ({ sample, reading }) => sample.label === Number(malign) && reading.probabilities.malign >= 0.5,
      );
    const support = samples.filter(({ label }) => label === 1).length;
    expect(half.clean.sensitivity).toBeCloseTo(referred(true).length / support, 12);
    expect(half.clean.specificity).toBeCloseTo(1 - referred(false).length / (samples.length - support), 12);
  });
});
