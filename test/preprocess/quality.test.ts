import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Frame, RgbFrame } from '../../src/frame.ts';
import { DEFAULT_QUALITY, measureQuality, qualityOf, retakeReasons } from '../../src/preprocess/quality.ts';
import { drawnLesion, imageOf } from '../support/drawn-lesion.ts';
import { Random } from '../support/random.ts';

function plain(value: number, width = 200, height = 160): Frame {
  return { rgb: new Uint8Array(width * height * 3).fill(value), width, height };
}

/** With independent noise of that standard deviation in each value, cut off as a sensor does. */
function noisy({ rgb, width, height }: RgbFrame, sigma: number): RgbFrame {
  const random = new Random(9);
  const values = rgb.map((value) => {
    // The sum of twelve even numbers is as good as normal.
    let normal = -6;
    for (let i = 0; i < 12; i++) normal += random.next();
    return Math.min(255, Math.max(0, Math.round(value + sigma * normal)));
  });
  return { rgb: values, width, height };
}

async function processed(
  change: (image: ReturnType<typeof imageOf>) => ReturnType<typeof imageOf>,
): Promise<RgbFrame> {
  const { data, info } = await change(imageOf(drawnLesion(600, 450)))
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { rgb: data, width: info.width, height: info.height };
}

const reasonsOf = (frame: Frame) => retakeReasons(measureQuality(frame), DEFAULT_QUALITY);

describe('the integrity check', () => {
  it('lets a drawn lesion pass', () => {
    expect(reasonsOf(drawnLesion(600, 450))).toEqual([]);
  });

  it.each([
    [149, ['too-small']],
    [150, []],
  ])('asks for a short side of 150 pixels: %i', (side, reasons) => {
    expect(reasonsOf(drawnLesion(300, side))).toEqual(reasons);
    expect(reasonsOf(drawnLesion(side, 300))).toEqual(reasons);
  });

  it('sends back a single colour as flat, and as clipped where it is black or white', () => {
    expect(reasonsOf(plain(128))).toEqual(['flat', 'out-of-focus']);
    expect(reasonsOf(plain(0))).toEqual(['flat', 'clipped', 'dark', 'out-of-focus']);
    expect(reasonsOf(plain(255))).toEqual(['flat', 'clipped', 'bright', 'out-of-focus']);
  });

  it('sends back what is overexposed or blurred', async () => {
    expect(reasonsOf(await processed((image) => image.linear(2.5, 0)))).toContain('clipped');
    expect(reasonsOf(await processed((image) => image.blur(15)))).toEqual(['out-of-focus']);
  });

  it.each([6, 12])(
    'sends back what is blurred with σ = %i, also under sensor noise of σ = 10',
    async (sigma) => {
      expect(reasonsOf(noisy(await processed((image) => image.blur(sigma)), 10))).toEqual(['out-of-focus']);
    },
  );

  it.each([3, 5, 10])('reads what is sharp under sensor noise of σ = %i', (sigma) => {
    expect(reasonsOf(noisy(drawnLesion(600, 450), sigma))).toEqual([]);
  });

  it('sends back a quarter of the light as dark, almost twice as much as bright, noise on top', async () => {
    expect(reasonsOf(noisy(await processed((image) => image.linear(0.25, 0)), 10))).toContain('dark');
    expect(reasonsOf(noisy(await processed((image) => image.linear(1.8, 0)), 10))).toContain('bright');
  });

  it('reads skin under warm light, of which red alone is cut off', async () => {
    const warm = await processed((image) =>
      image.recomb([
        [1.3, 0, 0],
        [0, 1, 0],
        [0, 0, 0.9],
      ]),
    );
    const { saturatedShare, clippedShare } = measureQuality(warm);
    expect(clippedShare).toBeGreaterThan(0.4);
    expect(saturatedShare).toBe(0);
  });

  it('reads dark skin: it is bright in red', async () => {
    const dark = await processed((image) =>
      image.recomb([
        [0.5, 0, 0],
        [0, 0.32, 0],
        [0, 0, 0.25],
      ]),
    );
    expect(reasonsOf(dark)).toEqual([]);
  });

  it('finds less focus the more an image is blurred', async () => {
    const focus = await Promise.all(
      [1, 2, 4, 8].map(async (sigma) => measureQuality(await processed((image) => image.blur(sigma))).focus),
    );
    expect(focus).toEqual(focus.toSorted((a, b) => b - a));
  });
});

describe('a measure at its limit', () => {
  const limits = { minimumSide: 150, maximumClippedShare: 0.5, minimumContrast: 4, minimumFocus: 7 };
  const fit = {
    shortSide: 150,
    clippedShare: 0.5,
    contrast: 4,
    focus: 7,
    noise: 0,
    highlight: 68,
    saturatedShare: 0.45,
    constantBand: 2 / 128,
  };

  it('is fit to be read, every one of them', () => {
    expect(retakeReasons(fit, limits)).toEqual([]);
  });

  it.each([
    ['short side', { shortSide: 149 }, 'too-small'],
    ['contrast', { contrast: 4 - 1e-9 }, 'flat'],
    ['clipped share', { clippedShare: 0.5 + 1e-9 }, 'clipped'],
    ['focus', { focus: 7 - 1e-9 }, 'out-of-focus'],
    // Noise of σ explains 1.15 × 20 σ² of the focus; four sevenths of the limit must be left.
    ['focus beyond noise', { focus: 27 - 1e-9, noise: 1 }, 'out-of-focus'],
    ['highlight', { highlight: 67 }, 'dark'],
    ['saturated share', { saturatedShare: 0.45 + 1e-9 }, 'bright'],
    ['constant band', { constantBand: 3 / 128 }, 'torn'],
  ] as const)('is a reason to take the frame again as soon as it is beyond: %s', (_, change, reason) => {
    expect(retakeReasons({ ...fit, ...change }, limits)).toEqual([reason]);
  });

  it('of focus beyond noise is fit too', () => {
    expect(retakeReasons({ ...fit, focus: 27, noise: 1 }, limits)).toEqual([]);
  });

  it('that no measure can miss sends nothing back', () => {
    const none = { minimumSide: 1, maximumClippedShare: 1, minimumContrast: 0, minimumFocus: 0 };
    const worst = { ...fit, shortSide: 1, clippedShare: 1, contrast: 0, focus: 0, noise: 100 };
    expect(retakeReasons(worst, none)).toEqual([]);
  });

  it('of a constant band says nothing of a frame that is flat or blurred all over', () => {
    expect(retakeReasons({ ...fit, contrast: 0, constantBand: 1 }, limits)).toEqual(['flat']);
    expect(retakeReasons({ ...fit, focus: 0, constantBand: 1 }, limits)).toEqual(['out-of-focus']);
  });
});

describe('the measures', () => {
  it('of a chessboard of working pixels are what arithmetic says', () => {
    const side = 128;
    const rgb = new Uint8Array(side * side * 3);
    rgb.forEach((_, i) => {
      const pixel = Math.floor(i / 3);
      rgb[i] = (pixel + Math.floor(pixel / side)) % 2 === 0 ? 0 : 255;
    });
    const quality = measureQuality({ rgb, width: side, height: side });
    expect(quality).toMatchObject({
      shortSide: side,
      clippedShare: 0.5,
      contrast: 127.5,
      focus: (4 * 255) ** 2,
    });
    expect(quality).toMatchObject({ highlight: 255, saturatedShare: 0.5, constantBand: 0 });
  });

  it('never leave their ranges', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.infiniteStream(fc.constantFrom(0, 1, 127, 254, 255)),
        (width, height, values) => {
          const rgb = Uint8Array.from({ length: width * height * 3 }, () => values.next().value ?? 0);
          const { clippedShare, contrast, focus, shortSide } = measureQuality({ rgb, width, height });
          expect(shortSide).toBe(Math.min(width, height));
          expect(clippedShare).toBeGreaterThanOrEqual(0);
          expect(clippedShare).toBeLessThanOrEqual(1);
          expect(contrast).toBeGreaterThanOrEqual(0);
          expect(contrast).toBeLessThanOrEqual(127.5);
          expect(focus).toBeGreaterThanOrEqual(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('take the worst channel and the worse end as the clipped share', () => {
    const sums = {
      lowClip: [5, 0, 0],
      highClip: [1, 7, 2],
      luminanceMinimum: 0,
      luminanceMaximum: 0,
      luminanceSum: 0,
      luminanceSquares: 0,
      laplacianSum: 0,
      laplacianSquares: 0,
      working: new Uint8Array(128 * 128 * 3),
    } as const;
    expect(qualityOf(sums, 5, 4).clippedShare).toBe(7 / 16);
  });
});
