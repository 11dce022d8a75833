import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lightSectionOf } from '../../src/evaluation/calibration/light.ts';
import type { Square } from '../../src/frame.ts';
import type { LightSection } from '../../src/model/bundle/light-section.ts';
import {
  chromaticityOf,
  inLight,
  lightDistance,
  lightTablesOf,
  networkInput,
} from '../../src/preprocess/light.ts';
import { createCpuEngine } from '../../src/runtime/engine/cpu.ts';
import { createClassifier } from '../../src/runtime/inference/classifier.ts';
import { drawnLesion } from '../support/drawn-lesion.ts';
import { tinyModel } from '../support/tiny-model.ts';

const section: LightSection = {
  version: 1,
  mean: [0.34, 0.04],
  precision: [36, 8, 186],
  limit: 2,
  fittedOn: { images: 2000, within: 0.9 },
};

/** Skin-like pixels: no channel is black or full, whatever gains of a factor of two do. */
const skin = fc
  .array(
    fc.tuple(
      fc.integer({ min: 60, max: 125 }),
      fc.integer({ min: 60, max: 125 }),
      fc.integer({ min: 60, max: 125 }),
    ),
    {
      minLength: 64,
      maxLength: 64,
    },
  )
  .map((pixels) => Uint8Array.from(pixels.flat()));

const tinted = (input: Uint8Array, gains: readonly number[]) =>
  input.map((value, i) => Math.min(255, Math.round(value * gains[i % 3])));

const mean = (input: Uint8Array) => input.reduce((sum, value) => sum + value, 0) / input.length;

describe('light that training has seen', () => {
  it('leaves every byte as it is', () => {
    fc.assert(
      fc.property(skin, (input) => {
        fc.pre(lightDistance(section, chromaticityOf(input)) <= section.limit);
        expect(lightTablesOf(section, input)).toBeNull();
        expect(inLight(null, input)).toBe(input);
      }),
    );
  });

  it('is every light, where a bundle does not say', () => {
    fc.assert(
      fc.property(skin, (input) => {
        expect(lightTablesOf(undefined, input)).toBeNull();
      }),
    );
  });
});

describe('light that training has not seen', () => {
  const strange = fc
    .tuple(skin, fc.constantFrom([1.9, 1, 0.6], [0.6, 1, 1.9], [1, 0.5, 1], [0.5, 1.2, 0.5]))
    .map(([input, gains]) => tinted(input, gains))
    .filter((input) => lightDistance(section, chromaticityOf(input)) > section.limit);

  it('is brought back to where training ends and no farther, as near as bytes allow', () => {
    fc.assert(
      fc.property(strange, (input) => {
        const balanced = inLight(lightTablesOf(section, input), input);
        const full = [...balanced].filter((value) => value === 255).length;
        fc.pre(full === 0);
        expect(lightDistance(section, chromaticityOf(balanced))).toBeCloseTo(section.limit, 0);
        expect(Math.abs(mean(balanced) - mean(input))).toBeLessThan(1);
      }),
    );
  });

  it('keeps the order of values within a channel, and black black', () => {
    fc.assert(
      fc.property(strange, (input) => {
        const tables = lightTablesOf(section, input);
        for (const table of tables ?? []) {
          expect(table[0]).toBe(0);
          expect(table.every((value, i) => i === 0 || value >= table[i - 1])).toBe(true);
        }
        expect(tables).not.toBeNull();
      }),
    );
  });

  it('has a finite answer for any bytes: black, white, one colour alone', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 48, maxLength: 48 }).map((bytes) => Uint8Array.from(bytes)),
        (input) => {
          const distance = lightDistance(section, chromaticityOf(input));
          expect(Number.isFinite(distance)).toBe(true);
          expect(inLight(lightTablesOf(section, input), input)).toHaveLength(48);
        },
      ),
    );
    for (const colour of [
      [0, 0, 0],
      [255, 255, 255],
      [255, 0, 0],
      [0, 0, 255],
    ]) {
      const input = Uint8Array.from({ length: 48 }, (_, i) => colour[i % 3]);
      expect(Number.isFinite(lightDistance(section, chromaticityOf(input)))).toBe(true);
      expect(inLight(lightTablesOf(section, input), input)).toHaveLength(48);
    }
  });
});

describe('what the network reads of a frame', () => {
  const model = tinyModel();
  const frame = drawnLesion(48, 40);
  const strict = { ...section, limit: 0.01 };
  const read = (square: Square | null, light?: LightSection) =>
    networkInput({ ...model, light }, frame, square);

  it('is in the light of the whole field, whichever square is read', () => {
    const square = { x: 5, y: 3, side: 30 };
    const tables = lightTablesOf(strict, read(null));
    expect(tables).not.toBeNull();
    expect(read(square, strict)).toEqual(inLight(tables, read(square)));
    expect(read(square, strict)).not.toEqual(read(square));
  });

  it('is what a classifier gives its engine', async () => {
    const given: Uint8Array[] = [];
    const engine = await createCpuEngine(model.graph);
    const listening = {
      ...{ backend: engine.backend, instructionSet: engine.instructionSet, arenaBytes: engine.arenaBytes },
      infer: (inputs: Uint8Array, count?: number) => {
        given.push(inputs);
        return engine.infer(inputs, count);
      },
      close: () => engine.close(),
    };
    const bundle = { ...model, light: strict, digest: '0'.repeat(64) };
    const options = { crop: false, tiling: false, integrityCheck: false };
    await createClassifier(bundle, listening, options).classify(frame);
    await engine.close();
    expect(given).toEqual([read(null, strict)]);
  });
});

describe('the light of training images', () => {
  const lights = (n: number) =>
    Array.from(
      { length: n },
      (_, i) => [0.3 + 0.1 * Math.sin(i * 12.9898), 0.05 * Math.cos(i * 78.233)] as const,
    );

  it('is a mean, a covariance, and a distance that nine in ten keep', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 400 }), (n) => {
        const fitted = lightSectionOf(lights(n));
        expect(fitted).not.toBeNull();
        if (fitted === null) return;
        const inside = lights(n).filter((light) => lightDistance(fitted, light) <= fitted.limit).length;
        expect(inside).toBe(Math.ceil(0.9 * n));
        expect(fitted.fittedOn).toEqual({ images: n, within: inside / n });
        // The mean of squared Mahalanobis distances is the number of dimensions.
        const squares = lights(n).map((light) => lightDistance(fitted, light) ** 2);
        expect(squares.reduce((a, b) => a + b, 0) / n).toBeCloseTo(2, 6);
      }),
    );
  });

  it('is not told by fewer than a hundred images, nor by images of one light', () => {
    expect(lightSectionOf(lights(99))).toBeNull();
    expect(lightSectionOf(new Array(200).fill([0.3, 0.1]))).toBeNull();
  });
});
