import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RgbFrame } from '../../../src/frame.ts';
import { areaResampleReference } from '../../../src/preprocess/resample-reference.ts';
import { centredSquare } from '../../../src/preprocess/square.ts';
import {
  type Augmentation,
  DEFAULT_AUGMENTATION,
  IDENTITY_AUGMENTATION,
} from '../../../src/training/data/augmentation.ts';
import { nativeLoader } from '../../../src/training/data/native.ts';
import { labOf, type Triple } from '../../../src/training/data/views/colour.ts';
import { renderReference } from '../../../src/training/data/views/render-reference.ts';
import { drawView, IDENTITY, packView, type View } from '../../../src/training/data/views/view.ts';
import { drawnLesion } from '../../support/drawn-lesion.ts';
import { Random } from '../../support/random.ts';

const native = nativeLoader();
/** Float32 and polynomials against double precision, at extreme settings: a twentieth of a grey level. */
const TOLERANCE = 2e-4;

const frames = fc
  .record({ width: fc.integer({ min: 1, max: 90 }), height: fc.integer({ min: 1, max: 90 }), seed: fc.nat() })
  .map(
    ({ width, height, seed }): RgbFrame => ({
      rgb: new Random(seed).bytes(width * height * 3),
      width,
      height,
    }),
  );
const sizes = fc.integer({ min: 1, max: 40 });
const between = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const sorted = (min: number, max: number) =>
  fc
    .tuple(between(min, max), between(min, max))
    .map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);

const augmentations: fc.Arbitrary<Augmentation> = fc.record({
  flip: fc.record({ horizontal: between(0, 1), vertical: between(0, 1) }),
  luminance: fc.record({
    probability: between(0, 1),
    factor: sorted(0, 2),
    gamma: sorted(0.4, 2.5),
    gammaShare: between(0, 1),
  }),
  contrast: fc.record({ probability: between(0, 1), factor: sorted(0, 2) }),
  greyWorld: fc.record({ probability: between(0, 1), strength: sorted(0, 1) }),
  geometry: fc.record({
    probability: between(0, 1),
    rotation: between(0, 180),
    scale: sorted(0.2, 2),
    aspect: sorted(0.5, 2),
    shift: between(0, 0.5),
    shear: between(0, 30),
  }),
  erasing: fc.record({ probability: between(0, 1), area: sorted(0, 1), aspect: sorted(0.2, 5) }),
  mixing: fc.constant(IDENTITY_AUGMENTATION.mixing),
});
const GAINS: [number, number, number] = [0.8, 1.1, 1.2];
const views = fc.tuple(augmentations, fc.nat()).map(([augmentation, seed]) => {
  const random = new Random(seed);
  return drawView(augmentation, () => random.next(), GAINS);
});

async function renderNative(frame: RgbFrame, view: View, size: number): Promise<Float32Array> {
  if (native === null) throw new Error('the native loader is not built');
  const pixels = new Uint8Array(frame.rgb.length + 16);
  pixels.set(frame.rgb);
  const output = new Float32Array(size * size * 3);
  const place = Float64Array.of(0, frame.width, frame.height);
  await native.render(pixels, place, Float64Array.from(packView(view)), [output]);
  return output;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

function mirrored(image: Float32Array, size: number, horizontally: boolean): Float32Array {
  return image.map((_, i) => {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % size, Math.floor(i / 3 / size)];
    const [fromX, fromY] = horizontally ? [size - 1 - x, y] : [x, size - 1 - y];
    return image[3 * (fromY * size + fromX) + c];
  });
}

const flipped = ({ xu, xv, x, yu, yv, y }: View['transform']): View => ({
  ...IDENTITY,
  transform: { xu: -xu, xv, x, yu: -yu, yv, y },
});

describe.skipIf(native === null)('the native renderer', () => {
  it('draws what the slow one draws, at any size, for any view', async () => {
    await fc.assert(
      fc.asyncProperty(frames, views, sizes, async (frame, view, size) => {
        const expected = renderReference(frame, view, size);
        expect(largestDifference(await renderNative(frame, view, size), expected)).toBeLessThan(TOLERANCE);
      }),
      { numRuns: 300 },
    );
  });

  it('does so on lesions at the sizes of training, by the default augmentation', async () => {
    const frame = drawnLesion(200, 150);
    for (let seed = 0; seed < 12; seed++) {
      const random = new Random(seed);
      const view = drawView(DEFAULT_AUGMENTATION, () => random.next(), [1, 1, 1]);
      for (const size of [64, 96]) {
        const expected = renderReference(frame, view, size);
        expect(largestDifference(await renderNative(frame, view, size), expected)).toBeLessThan(TOLERANCE);
      }
    }
  });

  it('refuses frames beyond their memory, views without bounds and outputs that are no squares', () => {
    const render = (frame: number[], view: number[], output = new Float32Array(12)) =>
      native?.render(new Uint8Array(12 + 16), Float64Array.from(frame), Float64Array.from(view), [output]);
    const view = packView(IDENTITY);
    expect(() => render([1, 2, 2], view)).toThrow('offset of a frame within pixels');
    expect(() => render([-1, 2, 2], view)).toThrow('offset');
    expect(() => render([0, 0, 2], view)).toThrow('width');
    expect(() => render([0, 2, 2, 0], view)).toThrow('three numbers per image');
    expect(() => render([], [])).toThrow('one image at least');
    expect(() => render([0, 2, 2], view.slice(1))).toThrow('16 numbers per image');
    expect(() => render([0, 2, 2], view.with(0, Number.NaN))).toThrow('coefficients');
    expect(() => render([0, 2, 2], view.with(0, 0))).toThrow('shrink an axis');
    expect(() => render([0, 2, 2], view.with(6, -1))).toThrow('gains');
    expect(() => render([0, 2, 2], view.with(10, 0))).toThrow('gamma');
    expect(() => render([0, 2, 2], view.with(12, 2))).toThrow('erased');
    expect(() => render([0, 2, 2], view, new Float32Array(15))).toThrow('side of a square');
  });
});

describe('a view', () => {
  it('that changes nothing is the device’s preprocessing, but for rounding to a byte', () => {
    fc.assert(
      fc.property(frames, sizes, (frame, size) => {
        const device = areaResampleReference(frame, centredSquare(frame.width, frame.height), size);
        const drawn = renderReference(frame, IDENTITY, size);
        const off = drawn.map((value, i) => Math.abs(255 * value - device[i]));
        expect(Math.max(...off)).toBeLessThan(0.5 + 1e-3);
      }),
    );
  });

  it('mirrored is the mirrored view, and mirrored twice the view itself', () => {
    fc.assert(
      fc.property(frames, views, sizes, (frame, { transform }, size) => {
        const plain: View = { ...IDENTITY, transform };
        const once = renderReference(frame, flipped(transform), size);
        expect(
          largestDifference(once, mirrored(renderReference(frame, plain, size), size, true)),
        ).toBeLessThan(1e-6);
        const twice = renderReference(frame, flipped(flipped(transform).transform), size);
        expect(largestDifference(twice, renderReference(frame, plain, size))).toBe(0);
      }),
    );
  });

  it('keeps a uniform frame uniform, however it is turned', () => {
    fc.assert(
      fc.property(views, sizes, fc.integer({ min: 0, max: 255 }), ({ transform }, size, grey) => {
        const frame = { rgb: new Uint8Array(30 * 20 * 3).fill(grey), width: 30, height: 20 };
        const drawn = renderReference(frame, { ...IDENTITY, transform }, size);
        expect(Math.max(...drawn.map((value) => Math.abs(value - grey / 255)))).toBeLessThan(1e-6);
      }),
    );
  });

  it('brightens, darkens and contrasts without touching a* and b* within the gamut', () => {
    const middling = fc.array(fc.integer({ min: 90, max: 160 }), { minLength: 27, maxLength: 27 });
    fc.assert(
      fc.property(
        middling,
        between(0.8, 1.2),
        between(0.8, 1.25),
        between(0.8, 1.2),
        (bytes, factor, gamma, contrast) => {
          const frame = { rgb: Uint8Array.from(bytes), width: 3, height: 3 };
          const lit = renderReference(frame, { ...IDENTITY, factor, gamma, contrast }, 3);
          for (let at = 0; at < lit.length; at += 3) {
            const [, a, b] = labOf(tripleAt(lit, at));
            const [, ownA, ownB] = labOf(
              tripleAt(
                Float32Array.from(bytes, (byte) => byte / 255),
                at,
              ),
            );
            expect(Math.hypot(a - ownA, b - ownB)).toBeLessThan(1e-3);
          }
        },
      ),
    );
  });

  it('has a lightness of factor × L* to the gamma', () => {
    const frame = { rgb: Uint8Array.of(130, 100, 90), width: 1, height: 1 };
    const [lightness] = labOf([130 / 255, 100 / 255, 90 / 255]);
    const [lit] = labOf(tripleAt(renderReference(frame, { ...IDENTITY, factor: 1.1, gamma: 0.9 }, 1), 0));
    expect(lit).toBeCloseTo(100 * 1.1 * (lightness / 100) ** 0.9, 3);
  });

  it('erases a rectangle with its own mean colour', () => {
    const frame = drawnLesion(40, 40);
    const plain = renderReference(frame, IDENTITY, 40);
    const erased = { left: 0.25, top: 0.5, right: 0.75, bottom: 0.75 };
    const drawn = renderReference(frame, { ...IDENTITY, erased }, 40);
    const mean = [0, 1, 2].map((c) => plain.reduce((sum, v, i) => sum + (i % 3 === c ? v : 0), 0) / 1600);
    drawn.forEach((value, i) => {
      const [x, y] = [Math.floor(i / 3) % 40, Math.floor(i / 120)];
      const inside = x >= 10 && x < 30 && y >= 20 && y < 30;
      expect(value).toBeCloseTo(inside ? mean[i % 3] : plain[i], 6);
    });
  });
});

describe('what a view draws by lot', () => {
  it('respects the ranges of the augmentation', () => {
    fc.assert(
      fc.property(augmentations, fc.nat(), (augmentation, seed) => {
        const random = new Random(seed);
        const view = drawView(augmentation, () => random.next(), GAINS);
        const { luminance, contrast, geometry } = augmentation;
        const within = (value: number, [low, high]: readonly [number, number]) =>
          value === 1 || (value >= low - 1e-9 && value <= high + 1e-9);
        expect(within(view.factor, luminance.factor) && within(view.gamma, luminance.gamma)).toBe(true);
        expect(view.factor === 1 || view.gamma === 1).toBe(true);
        expect(within(view.contrast, contrast.factor)).toBe(true);
        const { xu, xv, x, yu, yv, y } = view.transform;
        expect(Math.max(Math.abs(x), Math.abs(y))).toBeLessThanOrEqual(geometry.shift);
        expect(within(Math.sqrt(Math.abs(xu * yv - xv * yu)), geometry.scale)).toBe(true);
        const { left, top, right, bottom } = view.erased ?? { left: 0, top: 0, right: 0, bottom: 0 };
        expect(left >= 0 && top >= 0 && right <= 1 + 1e-9 && bottom <= 1 + 1e-9).toBe(true);
      }),
    );
  });

  it('is the identity without augmentation, and mirrored half the time by default', () => {
    const random = new Random(1);
    const draw = (augmentation: Augmentation) => drawView(augmentation, () => random.next(), GAINS);
    expect(draw(IDENTITY_AUGMENTATION)).toEqual(IDENTITY);
    const still = { ...DEFAULT_AUGMENTATION, geometry: IDENTITY_AUGMENTATION.geometry };
    const drawn = Array.from({ length: 2000 }, () => draw(still).transform);
    for (const axis of ['xu', 'yv'] as const) {
      expect(drawn.filter((transform) => transform[axis] === -1).length / 2000).toBeCloseTo(0.5, 1);
    }
  });
});

function tripleAt(values: Float32Array, at: number): Triple {
  return [values[at], values[at + 1], values[at + 2]];
}
