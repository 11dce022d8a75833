import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelBundle } from '../../../src/model/bundle/bundle.ts';
import { parseBundle } from '../../../src/model/bundle/read.ts';
import { type ScopeSection, statisticCount } from '../../../src/model/bundle/scope-section.ts';
import { bundleBytes } from '../../../src/model/bundle/write.ts';
import type { Engine } from '../../../src/runtime/engine/contract.ts';
import { createCpuEngine } from '../../../src/runtime/engine/cpu.ts';
import { createClassifier } from '../../../src/runtime/inference/classifier.ts';
import { softmax } from '../../../src/runtime/inference/readout.ts';
import { scopeOf, scopeTerms, standardised } from '../../../src/runtime/inference/scope/scope.ts';
import { imageStatistics } from '../../../src/runtime/inference/scope/statistics.ts';
import { imageStatisticsReference } from '../../../src/runtime/inference/scope/statistics-reference.ts';
import { drawnLesion } from '../../support/drawn-lesion.ts';
import { Random } from '../../support/random.ts';
import { STATISTICS, scopedModel, straight, tinyScope } from '../../support/scoped-model.ts';
import { tinyTable, tinyTriage } from '../../support/tiny-model.ts';

const images = fc
  .record({ side: fc.integer({ min: 8, max: 70 }), seed: fc.nat() })
  .map(({ side, seed }) => ({ side, input: new Random(seed).bytes(side * side * 3) }));

describe('image statistics', () => {
  it('are those of cells that are summed pixel by pixel, at every side', () => {
    fc.assert(
      fc.property(images, ({ side, input }) => {
        const statistics = imageStatistics(input, side);
        expect(statistics).toEqual(imageStatisticsReference(input, side));
        expect(statistics.length).toBe(statisticCount(side));
        expect(statistics.every(Number.isFinite)).toBe(true);
      }),
    );
  });

  it('of one colour are its brightness and tint, and otherwise nothing', () => {
    const input = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => [200, 150, 120][i % 3]);
    const [light, red, blue] = [0, 7, 14].map((at) => imageStatistics(input, 16)[at]);
    expect([light, red, blue]).toEqual([620, 50, -30]);
    expect(imageStatistics(input, 16).filter((value) => value !== 0)).toHaveLength(3);
  });

  it('tell a dark middle from a dark border by its sign', () => {
    const differenceOf = (isDark: (row: number, column: number) => boolean) =>
      imageStatistics(
        Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => {
          const pixel = Math.floor(i / 3);
          return isDark(Math.floor(pixel / 64), pixel % 64) ? 50 : 200;
        }),
        64,
      )[6];
    const isMiddle = (row: number, column: number) => Math.hypot(row - 32, column - 32) < 14;
    expect(differenceOf(isMiddle)).toBeLessThan(0);
    expect(differenceOf((row, column) => !isMiddle(row, column))).toBeGreaterThan(0);
  });
});

describe('the distance from a distribution', () => {
  it('counts each axis in its own deviations, and what no axis holds in those of the rest', () => {
    const gaussian = { ...straight(3, 2), deviations: Float32Array.of(2, 4), restDeviation: 0.5 };
    const { scores, distance } = standardised({ ...gaussian, mean: Float32Array.of(1, 1, 1) }, [5, 1, 3]);
    expect([...scores]).toEqual([2, 0]);
    expect(distance).toBeCloseTo(Math.hypot(2, 0, 4), 12);
  });
});

const point = { statistics: new Float64Array(STATISTICS), pooled: Int16Array.of(3, 4) };

describe('a verdict', () => {
  it('weighs statistics, their squares and the logarithms of both distances', () => {
    const statistics = Float64Array.from({ length: STATISTICS }, (_, i) =>
      i === 0 ? 100 : i === 1 ? -2 : 0,
    );
    const { values, distance } = scopeTerms(tinyScope(), { ...point, statistics });
    // What lies far off counts as six deviations; the distance says how far.
    expect([...values.subarray(0, 2), ...values.subarray(STATISTICS, STATISTICS + 2)]).toEqual([
      6, -2, 36, 4,
    ]);
    expect(values[2 * STATISTICS]).toBeCloseTo(Math.log(Math.hypot(100, 2)), 12);
    expect(values[2 * STATISTICS + 1]).toBeCloseTo(Math.log(5), 12);
    expect(distance).toBe(5);
  });

  it('is finite for any frame, with any scope that a bundle may have', () => {
    const extremes = [1e-6, 1, 1e6];
    fc.assert(
      fc.property(
        images,
        fc.constantFrom(...extremes),
        fc.constantFrom(...extremes, -1e6),
        fc.constantFrom(...extremes),
        fc.tuple(fc.nat(32_640), fc.nat(32_640)),
        ({ input }, deviation, weight, unfamiliar, pooled) => {
          const padded = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => input[i % input.length]);
          const section = tinyScope({
            ...{
              statistics: straight(STATISTICS, STATISTICS, deviation),
              embedding: straight(2, 1, deviation),
            },
            ...{ weights: new Float32Array(2 * STATISTICS + 2).fill(weight), bias: weight, unfamiliar },
          });
          const features = { statistics: imageStatistics(padded, 16), pooled: Int16Array.from(pooled) };
          const { score, distance, temperature } = scopeOf(section, features);
          expect([score, distance, temperature].every(Number.isFinite)).toBe(true);
          expect(temperature).toBeGreaterThanOrEqual(1);
        },
      ),
    );
  });

  it('is out of scope above its threshold, not at it', () => {
    expect(scopeOf(tinyScope({ bias: 1, outOfScope: 1 }), point).isOutOfScope).toBe(false);
    expect(scopeOf(tinyScope({ bias: 1.001, outOfScope: 1 }), point).isOutOfScope).toBe(true);
  });

  it('is unfamiliar beyond the distance, the hotter the farther, without a leap', () => {
    expect(scopeOf(tinyScope({ unfamiliar: 5 }), point)).toMatchObject({
      isUnfamiliar: false,
      temperature: 1,
    });
    expect(scopeOf(tinyScope({ unfamiliar: 4 }), point)).toMatchObject({
      isUnfamiliar: true,
      temperature: 1.25,
    });
  });
});

describe('a classifier with a scope', () => {
  const frame = drawnLesion(300, 300);
  let engine: Engine;
  beforeAll(async () => {
    engine = await createCpuEngine(scopedModel().graph);
  });
  afterAll(() => engine.close());

  const bundleOf = (scope: ScopeSection | null, threshold = 0.5): ModelBundle =>
    parseBundle(
      bundleBytes({ ...scopedModel(scope), classTable: tinyTable(), triage: tinyTriage(threshold) }),
      'scoped',
    );
  const classify = (bundle: ModelBundle, integrityCheck = true) =>
    createClassifier(bundle, engine, { integrityCheck }).classify(frame);
  const everything = tinyScope({ outOfScope: -1 });

  it('sends back a frame without a lesion, with a reason of its own and nothing to learn from', async () => {
    const { reading, headInput } = await classify(bundleOf(everything));
    expect(reading).toMatchObject({
      ...{ accepted: false, reasons: ['out-of-scope'], diagnosis: 'retake', crop: null, tiled: false },
      ...{ probabilities: {}, potentials: {}, triage: null, malignancy: null },
    });
    expect(reading).not.toHaveProperty('unfamiliar');
    expect(headInput).toBeNull();
  });

  it('reads it all the same when told to, and says what it would have done', async () => {
    const { reading, scope } = await classify(bundleOf(everything), false);
    expect(reading.accepted).toBe(true);
    expect(scope?.isOutOfScope).toBe(true);
  });

  it('reads a familiar lesion exactly as a bundle without a scope does', async () => {
    const { timings: _, model: __, ...plain } = (await classify(bundleOf(null))).reading;
    const { timings: ___, model: ____, ...read } = (await classify(bundleOf(tinyScope()))).reading;
    expect(plain).not.toHaveProperty('unfamiliar');
    expect(read).toEqual({ ...plain, unfamiliar: false });
  });

  it('softens what it says of an unfamiliar lesion by its distance, and never calls it routine', async () => {
    const bundle = bundleOf(tinyScope({ unfamiliar: 100 }), 1);
    const { reading, scope } = await classify(bundle);
    if (scope === null) throw new Error('the bundle has a scope');
    expect(scope.temperature).toBeGreaterThan(1);
    expect(reading).toMatchObject({ accepted: true, unfamiliar: true, triage: 'indeterminate' });
    const alpha = bundle.readout.alpha / scope.temperature;
    const [benign, malign] = softmax(alpha, Object.values(reading.potentials));
    expect(reading.probabilities).toEqual({ benign, malign });
    expect((await classify(bundleOf(tinyScope(), 1))).reading.triage).toBe('routine');
  });
});
