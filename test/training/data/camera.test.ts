import { createHash } from 'node:crypto';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { RgbFrame } from '../../../src/frame.ts';
import { seededRandom } from '../../../src/random.ts';
import {
  augmentationSchema,
  CAMERAS,
  DEFAULT_AUGMENTATION,
  IDENTITY_AUGMENTATION,
} from '../../../src/training/data/augmentation.ts';
import { drawView } from '../../../src/training/data/views/draw.ts';
import { throughJpeg } from '../../../src/training/data/views/jpeg.ts';
import { withNoise } from '../../../src/training/data/views/noise.ts';
import { packViews } from '../../../src/training/data/views/pack.ts';
import { renderReference } from '../../../src/training/data/views/render-reference.ts';
import { type Drawing, IDENTITY, type View } from '../../../src/training/data/views/view.ts';
import { QANA_RECIPE } from '../../../src/training/recipes/qana.ts';
import { drawnLesion } from '../../support/drawn-lesion.ts';
import { Random } from '../../support/random.ts';
import { between, cameras, framesUpTo, GAINS, native, renderNative } from '../../support/views.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const qualities = fc.integer({ min: 1, max: 100 });
const frames = framesUpTo(70);

function grey(side: number, value: number): RgbFrame {
  return { rgb: new Uint8Array(side * side * 3).fill(value), width: side, height: side };
}

function meanOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

function deviationOf(values: ArrayLike<number>): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(Array.from(values, (value) => (value - mean) ** 2)));
}

const line = (width: number): Drawing => ({
  colour: [0, 0, 0],
  opacity: 1,
  segments: [{ from: { u: -1, v: 0.1 }, to: { u: 1, v: 0.1 }, width }],
});

describe('a frame as a file gives it back', () => {
  it('has the bytes of libjpeg’s own', async () => {
    // In narrower pictures libjpeg enlarges chroma without its filter.
    const wide = fc.record({
      width: fc.integer({ min: 6, max: 70 }),
      height: fc.integer({ min: 1, max: 70 }),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(wide, qualities, fc.boolean(), async ({ width, height, seed }, quality, smooth) => {
        const rgb = smooth ? drawnLesion(width, height).rgb : new Random(seed).bytes(3 * width * height);
        const raw = { raw: { width, height, channels: 3 as const } };
        const file = await sharp(rgb, raw).jpeg({ quality, chromaSubsampling: '4:2:0' }).toBuffer();
        const decoded = await sharp(file).raw().toBuffer();
        expect(Buffer.from(throughJpeg({ rgb, width, height }, quality).rgb).equals(decoded)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it.skipIf(native === null)('has the same bytes natively, with noise before it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), seeds, between(0, 1), qualities, async (...drawn) => {
        const [side, seed, sigma, quality] = drawn;
        const frame = { rgb: new Random(seed).bytes(3 * side * side), width: side, height: side };
        const noise = { sigma, seed };
        const noisy = withNoise(frame, noise);
        for (const [view, expected] of [
          [{ ...IDENTITY, noise }, noisy],
          [{ ...IDENTITY, jpeg: quality }, throughJpeg(frame, quality)],
          [{ ...IDENTITY, noise, jpeg: quality }, throughJpeg(noisy, quality)],
        ] as const) {
          const bytes = (await renderNative(frame, view, side)).map((value) => Math.round(255 * value));
          expect(Array.from(bytes)).toEqual(Array.from(expected.rgb));
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('noise', () => {
  it('has the standard deviation asked for, no mean, and no other next time', () => {
    for (const sigma of [0.01, 0.05, 0.1]) {
      const noisy = withNoise(grey(200, 128), { sigma, seed: 7 });
      expect(deviationOf(noisy.rgb) / 255 / sigma).toBeCloseTo(1, 1);
      expect(Math.abs(meanOf(noisy.rgb) - 128)).toBeLessThan(255 * sigma * 0.02 + 0.02);
      expect(withNoise(grey(200, 128), { sigma, seed: 7 }).rgb).toEqual(noisy.rgb);
      expect(withNoise(grey(200, 128), { sigma, seed: 8 }).rgb).not.toEqual(noisy.rgb);
    }
  });

  it('of none leaves the frame alone', () => {
    fc.assert(
      fc.property(frames, seeds, (frame, seed) => {
        expect(withNoise(frame, { sigma: 0, seed }).rgb).toEqual(frame.rgb);
      }),
    );
  });
});

describe('a blur', () => {
  it('keeps an even picture, and keeps every picture within its colours', () => {
    fc.assert(
      fc.property(frames, between(0, 0.2), fc.integer({ min: 1, max: 24 }), (frame, blur, size) => {
        const even = renderReference(grey(9, 77), { ...IDENTITY, blur }, size);
        expect(Math.max(...even.map((value) => Math.abs(value - 77 / 255)))).toBeLessThan(1e-6);
        const [sharp, soft] = [0, blur].map((sigma) =>
          renderReference(frame, { ...IDENTITY, blur: sigma }, size),
        );
        expect(Math.max(...soft)).toBeLessThanOrEqual(Math.max(...sharp) + 1e-6);
        expect(Math.min(...soft)).toBeGreaterThanOrEqual(Math.min(...sharp) - 1e-6);
      }),
    );
  });

  it('spreads a point as far as asked, at every size', () => {
    for (const size of [61, 121]) {
      const frame = grey(size, 0);
      frame.rgb.fill(255, 3 * ((size * size - 1) / 2), 3 * ((size * size - 1) / 2) + 3);
      const drawn = renderReference(frame, { ...IDENTITY, blur: 0.03 }, size);
      const moment = Array.from({ length: size * size }, (_, at) => {
        return drawn[3 * at] * ((at % size) - (size - 1) / 2) ** 2;
      }).reduce((sum, value) => sum + value, 0);
      // Samples end at three standard deviations, which takes a few hundredths off the variance.
      expect(Math.sqrt(moment) / size / 0.03).toBeCloseTo(0.986, 1);
    }
  });
});

describe('a line', () => {
  it('darkens by its area at every size, thinner than a pixel too', () => {
    fc.assert(
      fc.property(between(0, 0.2), fc.integer({ min: 8, max: 90 }), (width, size) => {
        const drawn = renderReference(grey(9, 255), { ...IDENTITY, drawings: [line(width)] }, size);
        expect(1 - meanOf(drawn)).toBeCloseTo(width, 5);
      }),
    );
  });

  it('that crosses another of its drawing covers no more than one of them', () => {
    const twice = { ...line(0.1), opacity: 0.5, segments: [...line(0.1).segments, ...line(0.1).segments] };
    const once = { ...twice, segments: line(0.1).segments };
    const drawn = [once, twice].map((drawing) =>
      renderReference(drawnLesion(40, 40), { ...IDENTITY, drawings: [drawing] }, 32),
    );
    expect(drawn[1]).toEqual(drawn[0]);
  });

  it('beyond the third drawing of a view is refused', () => {
    expect(() => packViews([{ ...IDENTITY, drawings: [line(0.1), line(0.1), line(0.1)] }])).toThrow(
      'too many drawings',
    );
  });
});

describe('a field', () => {
  it('is untouched within its edge and black outside', () => {
    const field = { centre: { u: 0.05, v: -0.05 }, radius: 0.3, softness: 0.1 };
    const size = 64;
    const drawn = renderReference(grey(9, 200), { ...IDENTITY, field }, size);
    for (let at = 0; at < size * size; at++) {
      const [u, v] = [((at % size) + 0.5) / size - 0.5, (Math.floor(at / size) + 0.5) / size - 0.5];
      const distance = Math.hypot(u - 0.05, v + 0.05);
      if (distance < 0.25 - 1e-6) expect(drawn[3 * at]).toBeCloseTo(200 / 255, 6);
      if (distance > 0.35 + 1e-6) expect(drawn[3 * at]).toBe(0);
    }
  });
});

describe('another camera', () => {
  const others = ({ transform, gains, factor, gamma, contrast, erased }: View) =>
    JSON.stringify([transform, gains, factor, gamma, contrast, erased]);

  it('leaves a recipe without it the views that it always had', () => {
    const digest = (augmentation: typeof DEFAULT_AUGMENTATION) => {
      const hash = createHash('sha256');
      for (let seed = 0; seed < 200; seed++) {
        hash.update(others(drawView(augmentation, seededRandom(seed), GAINS)));
      }
      return hash.digest('hex');
    };
    expect(digest(DEFAULT_AUGMENTATION)).toBe(
      'd63ae7ade7750bc0385bf9edbda602364050f9e541d8d8bf0e67f0d32cbfa455',
    );
    const every = {
      ...QANA_RECIPE.float.augmentation,
      greyWorld: { probability: 0.5, strength: [0, 1] as const },
      erasing: { probability: 0.5, area: [0.02, 0.2] as const, aspect: [0.3, 3.3] as const },
    };
    expect(digest(every)).toBe('343ec676eb606f9c0ba1a24958c3a156ab427b79a9f75dfb689f8116bd4acb1b');
  });

  it('changes nothing else of a view but its gains', () => {
    fc.assert(
      fc.property(seeds, cameras, (seed, camera) => {
        const plain = drawView(DEFAULT_AUGMENTATION, seededRandom(seed), GAINS);
        const drawn = drawView({ ...DEFAULT_AUGMENTATION, camera }, seededRandom(seed), GAINS);
        expect(others({ ...drawn, gains: plain.gains })).toBe(others(plain));
      }),
    );
  });

  it('stays away from a recipe’s document where it is not asked for, and comes back out of it where it is', () => {
    for (const augmentation of [
      DEFAULT_AUGMENTATION,
      IDENTITY_AUGMENTATION,
      { ...DEFAULT_AUGMENTATION, camera: CAMERAS },
    ]) {
      const document: unknown = JSON.parse(JSON.stringify(augmentation));
      expect(augmentationSchema.parse(document)).toEqual(document);
    }
    expect(JSON.stringify(augmentationSchema.parse(DEFAULT_AUGMENTATION))).not.toContain('camera');
  });

  it('draws every part as often as asked and within its range', () => {
    const draw = (seed: number) =>
      drawView({ ...IDENTITY_AUGMENTATION, camera: CAMERAS }, seededRandom(seed), GAINS);
    const drawn = Array.from({ length: 2000 }, (_, seed) => draw(seed));
    const share = (has: (view: View) => boolean) => drawn.filter(has).length / drawn.length;
    const { colourCast, blur, noise, jpeg, hair, ruler, field } = CAMERAS;
    const off = [
      share(({ gains }) => gains.some((gain) => gain !== 1)) - colourCast.probability,
      share((view) => view.blur > 0) - blur.probability,
      share((view) => view.noise !== null) - noise.probability,
      share((view) => view.jpeg !== null) - jpeg.probability,
      share(({ drawings }) => drawings.some(({ opacity }) => opacity === 0.9)) - hair.probability,
      share(({ drawings }) => drawings.some(({ opacity }) => opacity === 0.95)) - ruler.probability,
      share((view) => view.field !== null) - field.probability,
    ];
    for (const difference of off) expect(Math.abs(difference)).toBeLessThan(0.03);
    const within = (value: number, [low, high]: readonly [number, number]) => value >= low && value <= high;
    for (const view of drawn) {
      expect(view.gains.every((gain) => within(gain, colourCast.gain))).toBe(true);
      expect(within(view.blur, blur.sigma)).toBe(true);
      expect(within(view.noise?.sigma ?? 0, noise.sigma)).toBe(true);
      expect(within(view.jpeg ?? 50, jpeg.quality)).toBe(true);
      expect(within(view.field?.radius ?? 0.5, field.radius)).toBe(true);
    }
  });

  it('composes its cast with the grey world’s gains', () => {
    const greyWorld = { probability: 1, strength: [1, 1] as const };
    const colourCast = { probability: 1, gain: [1.1, 1.1] as const };
    const camera = { ...CAMERAS, colourCast };
    const { gains } = drawView({ ...IDENTITY_AUGMENTATION, greyWorld, camera }, seededRandom(1), GAINS);
    gains.forEach((gain, c) => {
      expect(gain).toBeCloseTo(1.1 * GAINS[c], 12);
    });
  });
});
