import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Frame } from '../../src/frame.ts';
import { DEFAULT_QUALITY, measureQuality, qualityOf, retakeReasons } from '../../src/preprocess/quality.ts';
import { drawnLesion, imageOf } from '../support/drawn-lesion.ts';

function plain(value: number, width = 200, height = 160): Frame {
  return { rgb: new Uint8Array(width * height * 3).fill(value), width, height };
}

async function processed(
  change: (image: ReturnType<typeof imageOf>) => ReturnType<typeof imageOf>,
): Promise<Frame> {
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
    for (const value of [0, 255])
      expect(reasonsOf(plain(value))).toEqual(['flat', 'clipped', 'out-of-focus']);
  });

  it('sends back what is overexposed or blurred', async () => {
    expect(reasonsOf(await processed((image) => image.linear(2.5, 0)))).toContain('clipped');
    expect(reasonsOf(await processed((image) => image.blur(15)))).toEqual(['out-of-focus']);
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
  const fit = { shortSide: 150, clippedShare: 0.5, contrast: 4, focus: 7 };

  it('is fit to be read, every one of them', () => {
    expect(retakeReasons(fit, limits)).toEqual([]);
  });

  it.each([
    ['short side', { shortSide: 149 }, 'too-small'],
    ['contrast', { contrast: 4 - 1e-9 }, 'flat'],
    ['clipped share', { clippedShare: 0.5 + 1e-9 }, 'clipped'],
    ['focus', { focus: 7 - 1e-9 }, 'out-of-focus'],
  ] as const)('is a reason to take the frame again as soon as it is beyond: %s', (_, change, reason) => {
    expect(retakeReasons({ ...fit, ...change }, limits)).toEqual([reason]);
  });

  it('that no measure can miss sends nothing back', () => {
    const none = { minimumSide: 1, maximumClippedShare: 1, minimumContrast: 0, minimumFocus: 0 };
    expect(retakeReasons({ shortSide: 1, clippedShare: 1, contrast: 0, focus: 0 }, none)).toEqual([]);
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
    expect(quality).toEqual({ shortSide: side, clippedShare: 0.5, contrast: 127.5, focus: (4 * 255) ** 2 });
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
    } as const;
    expect(qualityOf(sums, 5, 4).clippedShare).toBe(7 / 20);
  });
});
