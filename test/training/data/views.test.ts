import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labOf, type Triple } from '../../../src/colour.ts';
import { areaResampleReference } from '../../../src/preprocess/resample-reference.ts';
import { centredSquare } from '../../../src/preprocess/square.ts';
import {
  type Augmentation,
  CAMERAS,
  DEFAULT_AUGMENTATION,
  IDENTITY_AUGMENTATION,
} from '../../../src/training/data/augmentation.ts';
import { drawView } from '../../../src/training/data/views/draw.ts';
import { packViews } from '../../../src/training/data/views/pack.ts';
import { renderReference } from '../../../src/training/data/views/render-reference.ts';
import { IDENTITY, type View } from '../../../src/training/data/views/view.ts';
import { drawnLesion } from '../../support/drawn-lesion.ts';
import { Random } from '../../support/random.ts';
import {
  augmentations,
  between,
  framesUpTo,
  GAINS,
  largestDifference,
  native,
  renderNative,
  views,
} from '../../support/views.ts';

/** Float32 and polynomials against double precision, at extreme settings: a twentieth of a grey level. */
const TOLERANCE = 2e-4;

const frames = framesUpTo(90);
const sizes = fc.integer({ min: 1, max: 40 });
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

  it('does so on lesions at the sizes of training, by the default augmentation and other cameras', async () => {
    const frame = drawnLesion(200, 150);
    for (let seed = 0; seed < 12; seed++) {
      const random = new Random(seed);
      const view = drawView({ ...DEFAULT_AUGMENTATION, camera: CAMERAS }, () => random.next(), [1, 1, 1]);
      for (const size of [64, 96]) {
        const expected = renderReference(frame, view, size);
        expect(largestDifference(await renderNative(frame, view, size), expected)).toBeLessThan(TOLERANCE);
      }
    }
  });

  it('refuses frames beyond their memory, views without bounds and outputs that are no squares', () => {
    const render = (
      frame: number[],
      view: number[],
      output = new Float32Array(12),
      segments = [0, 0, 1, 1, 1],
    ) =>
      native?.render(
        new Uint8Array(12 + 16),
        Float64Array.from(frame),
        { numbers: Float64Array.from(view), segments: Float64Array.from(segments) },
        [output],
      );
    const view = Array.from(packViews([IDENTITY]).numbers);
    expect(() => render([1, 2, 2], view)).toThrow('offset of a frame within pixels');
    expect(() => render([-1, 2, 2], view)).toThrow('offset');
    expect(() => render([0, 0, 2], view)).toThrow('width');
    expect(() => render([0, 2, 2, 0], view)).toThrow('three numbers per image');
    expect(() => render([], [])).toThrow('one image at least');
    expect(() => render([0, 2, 2], view.slice(1))).toThrow('36 numbers per image');
    expect(() => render([0, 2, 2], view.with(0, Number.NaN))).toThrow('coefficients');
    expect(() => render([0, 2, 2], view.with(0, 0))).toThrow('shrink an axis');
    expect(() => render([0, 2, 2], view.with(6, -1))).toThrow('gains');
    expect(() => render([0, 2, 2], view.with(10, 0))).toThrow('gamma');
    expect(() => render([0, 2, 2], view.with(12, 2))).toThrow('erased');
    expect(() => render([0, 2, 2], view.with(16, 2))).toThrow('noise');
    expect(() => render([0, 2, 2], view.with(17, -1))).toThrow('seed of the noise');
    expect(() => render([0, 2, 2], view.with(18, 101))).toThrow('quality of the JPEG');
    expect(() => render([0, 2, 2], view.with(19, Number.NaN))).toThrow('blur');
    expect(() => render([0, 2, 2], view.with(22, 1e9))).toThrow('field');
    expect(() => render([0, 2, 2], view.with(24, 2))).toThrow('first segment');
    expect(() => render([0, 2, 2], view.with(25, 2))).toThrow('segments of a drawing');
    expect(() => render([0, 2, 2], view.with(35, 2))).toThrow('opacity');
    expect(() => render([0, 2, 2], view, new Float32Array(12), [0, 0, 1, 1])).toThrow('five numbers');
    expect(() => render([0, 2, 2], view, new Float32Array(12), [0, 0, 1, 1, 1e9])).toThrow('within ±100');
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
