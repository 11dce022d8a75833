import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asAnotherCamera } from '../../src/evaluation/scope/camera.ts';
import { measureNothing, picturesIn } from '../../src/evaluation/scope/evaluate.ts';
import type { Measured, MeasuredNothing } from '../../src/evaluation/scope/features.ts';
import { fitScope, LEAST } from '../../src/evaluation/scope/fit.ts';
import { fitGaussian } from '../../src/evaluation/scope/gaussian.ts';
import { fitLogistic } from '../../src/evaluation/scope/logistic.ts';
import { NOTHING_KINDS, type NothingKind, NothingPainter } from '../../src/evaluation/scope/nothing/kinds.ts';
import type { RgbFrame } from '../../src/frame.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import { areaResample } from '../../src/preprocess/resample.ts';
import { centredSquare } from '../../src/preprocess/square.ts';
import { seededRandom } from '../../src/random.ts';
import { createCpuEngine } from '../../src/runtime/engine/cpu.ts';
import { scopeOf, standardised } from '../../src/runtime/inference/scope/scope.ts';
import { imageStatistics } from '../../src/runtime/inference/scope/statistics.ts';
import { wilsonInterval } from '../../src/statistics/wilson.ts';
import { drawnLesion, lesionImage } from '../support/drawn-lesion.ts';
import { scopedModel, tinyScope } from '../support/scoped-model.ts';

describe('frames of nothing', () => {
  const painter = new NothingPainter();

  it('are of more than eight kinds, the same for a seed, others for another', () => {
    expect(NOTHING_KINDS.length).toBeGreaterThan(8);
    const another = new NothingPainter();
    for (const kind of NOTHING_KINDS) {
      const frame = painter.draw(kind, 1, 0);
      expect(frame.rgb.length).toBe(frame.width * frame.height * 3);
      const isSame = ({ rgb }: RgbFrame) => Buffer.from(rgb).equals(frame.rgb);
      expect(isSame(another.draw(kind, 1, 0)), kind).toBe(true);
      expect(isSame(painter.draw(kind, 2, 0)), kind).toBe(false);
      expect(isSame(painter.draw(kind, 1, 1)), kind).toBe(false);
    }
  });
});

describe('a frame as another camera would have taken it', () => {
  const frame = drawnLesion(200, 150);

  it('is the same for the same random numbers, of the network’s size, seldom the frame itself', () => {
    const plain = areaResample(frame, centredSquare(200, 150), 32);
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const seen = asAnotherCamera(frame, 32, seededRandom(seed));
        expect(seen).toHaveLength(32 * 32 * 3);
        expect(Buffer.from(asAnotherCamera(frame, 32, seededRandom(seed))).equals(seen)).toBe(true);
        expect(Buffer.from(seen).equals(plain)).toBe(false);
      }),
      { numRuns: 30 },
    );
  });
});

const normal = (random: () => number) =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

describe('a fitted distribution', () => {
  const random = seededRandom(3);
  // Spreads 9, 3, 1 and 1 along axes that lie across the coordinates.
  const points = Array.from({ length: 4000 }, () => {
    const [a, b, c, d] = [9, 3, 1, 1].map((spread) => spread * normal(random));
    return [(a + b) / Math.SQRT2 + 100, (a - b) / Math.SQRT2, c, d];
  });

  it('finds mean, axes and spreads, and the even rest', () => {
    const { mean, axes, deviations, restDeviation } = fitGaussian(points, 2);
    expect(mean[0]).toBeCloseTo(100, 0);
    expect(deviations[0]).toBeCloseTo(9, 0);
    expect(deviations[1]).toBeCloseTo(3, 0);
    expect(restDeviation).toBeCloseTo(1, 1);
    expect(Math.abs(axes[0] * axes[1])).toBeCloseTo(0.5, 1);
  });

  it('has all points, on average, as far from its mean as there are values', () => {
    for (const most of [4, 2]) {
      const gaussian = fitGaussian(points, most);
      const squares = points.map((point) => standardised(gaussian, point).distance ** 2);
      expect(squares.reduce((sum, square) => sum + square, 0) / squares.length).toBeCloseTo(4, 1);
    }
  });

  it('keeps away from nothing where a value never varies', () => {
    const { deviations } = fitGaussian(
      points.map(([first]) => [first, 7]),
      2,
    );
    expect(deviations[1]).toBeGreaterThan(0.1);
    expect(() => fitGaussian([], 1)).toThrow(RangeError);
  });
});

describe('logistic regression', () => {
  const random = seededRandom(5);
  const rows = (centre: number, n: number) =>
    Array.from({ length: n }, () => Float64Array.of(centre + normal(random), normal(random)));
  const [low, high] = [rows(-1, 3000), rows(1, 300)];

  it('finds the line between two clouds, though one has ten times as many points', () => {
    const { weights, bias } = fitLogistic(low, high);
    // Two normal clouds of spread 1, two apart: log odds 2x, a little less for the ridge.
    expect(weights[0]).toBeGreaterThan(1.7);
    expect(weights[0]).toBeLessThan(2.1);
    expect(Math.abs(weights[1])).toBeLessThan(0.15);
    expect(Math.abs(bias)).toBeLessThan(0.2);
  });

  it('changes sign when the classes change places', () => {
    const [there, back] = [fitLogistic(low, high), fitLogistic(high, low)];
    expect(back.bias).toBeCloseTo(-there.bias, 6);
    expect(back.weights[0]).toBeCloseTo(-there.weights[0], 6);
  });

  it('ends with finite weights where the classes do not touch', () => {
    const { weights } = fitLogistic([Float64Array.of(-9)], [Float64Array.of(9)]);
    expect(weights[0]).toBeGreaterThan(0);
    expect(weights[0]).toBeLessThan(10);
    expect(() => fitLogistic([], high)).toThrow(RangeError);
  });
});

describe('a fitted scope', () => {
  const painter = new NothingPainter();
  const featuresOf = (input: Uint8Array, seed: number) => {
    const random = seededRandom(seed);
    return {
      statistics: imageStatistics(input, 16),
      pooled: Int16Array.from({ length: 4 }, () => 100 + 20 * normal(random)),
    };
  };
  const lesion = (index: number): Measured => {
    const random = seededRandom(index);
    const frame = drawnLesion(160, 160, [0.4 + 0.2 * random(), 0.4 + 0.2 * random()]);
    const plain = areaResample(frame, centredSquare(160, 160), 16);
    return {
      plain: featuresOf(plain, index),
      other: featuresOf(asAnotherCamera(frame, 16, random), index + 0.5),
    };
  };
  const nothing = (kind: NothingKind, index: number): MeasuredNothing => {
    const frame = painter.draw(kind, 1, index);
    const input = areaResample(frame, centredSquare(frame.width, frame.height), 16);
    const other = asAnotherCamera(frame, 16, seededRandom(index));
    return { kind, isSentBack: false, plain: featuresOf(input, index), other: featuresOf(other, index) };
  };
  const lesions = (from: number, n: number) => Array.from({ length: n }, (_, i) => lesion(from + i));
  const kinds: readonly NothingKind[] = ['wall', 'cloth', 'text', 'noise', 'foliage', 'screen'];
  let fit: ReturnType<typeof fitScope>;
  let training: Measured[];
  let validation: Measured[];
  let frames: MeasuredNothing[];
  beforeAll(() => {
    training = lesions(0, LEAST.training);
    validation = lesions(10_000, LEAST.validation);
    frames = kinds.flatMap((kind) => Array.from({ length: 12 }, (_, index) => nothing(kind, index)));
    fit = fitScope({ training, validation, nothing: frames });
  });
  afterAll(() => {
    fit = null;
  });

  it('refuses frames of nothing that it never saw, of kinds that it saw and of kinds that it did not', () => {
    if (fit === null) throw new Error('there are enough frames');
    const { section, heldOut } = fit;
    const fresh = kinds.flatMap((kind) =>
      Array.from({ length: 6 }, (_, index) => nothing(kind, 100 + index)),
    );
    const refused = fresh.filter(({ plain }) => scopeOf(section, plain).isOutOfScope);
    expect(refused.length / fresh.length).toBeGreaterThan(0.9);
    expect(Object.keys(heldOut)).toEqual(kinds);
    expect(section.expected.nothing).toBeGreaterThan(0.8);
  });

  it('keeps its promises on the lesions that chose the thresholds, and says what they came to', () => {
    if (fit === null) throw new Error('there are enough frames');
    const { section } = fit;
    const views = validation.flatMap(({ plain, other }) => [plain, other]);
    expect(views.filter((view) => scopeOf(section, view).isOutOfScope).length).toBeLessThanOrEqual(2);
    const verdicts = validation.map(({ plain }) => scopeOf(section, plain));
    const unfamiliar = verdicts.filter(({ isUnfamiliar }) => isUnfamiliar).length / verdicts.length;
    expect(unfamiliar).toBeGreaterThan(0);
    expect(unfamiliar).toBeLessThanOrEqual(0.02);
    expect(section.expected.unfamiliar).toBe(unfamiliar);
    expect(section.expected.outOfScope).toBe(
      verdicts.filter(({ isOutOfScope }) => isOutOfScope).length / verdicts.length,
    );
    expect(section.fittedOn).toEqual({ images: 200, frames: 72, validationImages: 200 });
  });

  it('is none where there are too few captures to promise anything', () => {
    expect(fitScope({ training: training.slice(1), validation, nothing: frames })).toBeNull();
    expect(fitScope({ training, validation: validation.slice(1), nothing: frames })).toBeNull();
  });
});

describe('what a bundle refuses of frames without a lesion', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'nothing-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const measured = async (outOfScope: number) => {
    const bundle = parseBundle(bundleBytes(scopedModel(tinyScope({ outOfScope }))), 'scoped');
    const engine = await createCpuEngine(bundle.graph);
    try {
      return await measureNothing(bundle, engine, { pictures: await picturesIn(folder), framesOfAKind: 2 });
    } finally {
      await engine.close();
    }
  };

  it('is counted by kind and by reason, and of pictures', async () => {
    writeFileSync(path.join(folder, 'picture.png'), await lesionImage().png().toBuffer());
    writeFileSync(path.join(folder, 'broken.png'), 'no picture');
    const all = await measured(-1);
    const n = 2 * NOTHING_KINDS.length;
    expect(all.frames).toMatchObject({ n, refused: n, share: 1 });
    expect(Object.keys(all.byKind)).toEqual([...NOTHING_KINDS]);
    expect(all.reasons['out-of-scope']).toBeGreaterThan(n / 2);
    expect(all.pictures).toMatchObject({ n: 1, refused: 1, accepted: [] });
    const none = await measured(1);
    expect(none.frames.refused).toBeLessThan(n / 2);
    expect(none.pictures).toMatchObject({ refused: 0, accepted: [path.join(folder, 'picture.png')] });
  });

  it('is a refusal in words where there is no such folder, or no picture in it', async () => {
    await expect(picturesIn(path.join(folder, 'none'))).rejects.toMatchObject({ code: 'FOLDER_UNREADABLE' });
    rmSync(path.join(folder, 'picture.png'));
    await expect(measured(1)).rejects.toMatchObject({ code: 'NOTHING_EMPTY' });
  });
});

describe('Wilson’s interval', () => {
  it('holds the share, lies within 0…1, and narrows with the number', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, part) => {
          const hits = Math.round(n * part);
          const [low, high] = wilsonInterval(hits, n);
          expect(low).toBeGreaterThanOrEqual(0);
          expect(high).toBeLessThanOrEqual(1);
          expect(low).toBeLessThanOrEqual(hits / n + 1e-12);
          expect(high).toBeGreaterThanOrEqual(hits / n - 1e-12);
          const [closer, farther] = wilsonInterval(4 * hits, 4 * n);
          expect(farther - closer).toBeLessThan(high - low);
        },
      ),
    );
  });

  it('of 10 hits in 20 is 0.299 to 0.701', () => {
    const [low, high] = wilsonInterval(10, 20);
    expect([low, high].map((value) => Number(value.toFixed(3)))).toEqual([0.299, 0.701]);
  });
});
