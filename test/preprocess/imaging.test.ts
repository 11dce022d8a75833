import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Square } from '../../src/frame.ts';
import { nativeAddon } from '../../src/native/addon.ts';
import { areaResampleReference } from '../../src/preprocess/resample-reference.ts';
import { centredSquare } from '../../src/preprocess/square.ts';
import { Random } from '../support/random.ts';

const addon = nativeAddon();

/** Random RGB, a third of it clipped. */
function randomPixels(width: number, height: number, seed: number): Uint8Array {
  const random = new Random(seed);
  return random
    .bytes(width * height * 3)
    .map((value) => (random.chance(1 / 3) ? (value < 128 ? 0 : 255) : value));
}

function codeOf(call: () => unknown): unknown {
  try {
    call();
    return 'none';
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}

describe('area resampling', () => {
  const squares = fc
    .tuple(
      fc.integer({ min: 1, max: 90 }),
      fc.integer({ min: 1, max: 90 }),
      fc.integer(),
      fc.nat(),
      fc.nat(),
      fc.nat(),
    )
    .map(([width, height, seed, x, y, size]) => {
      const side = 1 + ((seed >>> 1) % Math.min(width, height));
      const square = { x: x % (width - side + 1), y: y % (height - side + 1), side };
      return { width, height, square, size: 1 + (size % 80), rgb: randomPixels(width, height, seed) };
    });

  it('equals its definition, shrinking and enlarging', () => {
    fc.assert(
      fc.property(squares, ({ width, height, square, size, rgb }) => {
        const expected = areaResampleReference({ rgb, width, height }, square, size);
        expect(addon.areaResample({ rgb, width, height }, square, size)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a single colour, at any size', () => {
    for (const [side, size] of [
      [1, 1],
      [1, 64],
      [450, 64],
      [2000, 3],
      [16384, 1],
    ]) {
      const rgb = new Uint8Array(side * side * 3).fill(255);
      const output = addon.areaResample({ rgb, width: side, height: side }, { x: 0, y: 0, side }, size);
      expect(output.length).toBe(size * size * 3);
      expect(output.every((value) => value === 255)).toBe(true);
    }
  });

  it('refuses a square that leaves the image', () => {
    const rgb = new Uint8Array(10 * 6 * 3);
    const crop = (square: object, size = 4) =>
      codeOf(() => Reflect.apply(addon.areaResample, null, [{ rgb, width: 10, height: 6 }, square, size]));
    expect(crop({ x: 4, y: 0, side: 6 })).toBe('none');
    for (const square of [
      { x: 5, y: 0, side: 6 },
      { x: 0, y: 1, side: 6 },
      { x: 0, y: 0, side: 7 },
      { x: -1, y: 0, side: 3 },
      { x: 0.5, y: 0, side: 3 },
      { x: 0, y: 0, side: 0 },
      { x: 0, y: 0, side: Number.NaN },
      {},
    ]) {
      expect(crop(square), JSON.stringify(square)).toBe('CROP');
    }
    for (const size of [0, 16385, 1.5]) expect(crop({ x: 0, y: 0, side: 6 }, size)).toBe('RESAMPLE_SIZE');
  });

  it('refuses bytes that are no image of that size', () => {
    const resample = (rgb: unknown, width: number, height: number) =>
      codeOf(() =>
        Reflect.apply(addon.areaResample, null, [{ rgb, width, height }, { x: 0, y: 0, side: 1 }, 4]),
      );
    expect(resample(new Uint8Array(3), 1, 1)).toBe('none');
    expect(resample(new Uint8Array(2), 1, 1)).toBe('FRAME_SIZE');
    expect(resample(new Uint16Array(3), 1, 1)).toBe('FRAME_SIZE');
    expect(resample(new Uint8Array(0), 0, 0)).toBe('FRAME_SIZE');
    expect(resample(null, 1, 1)).toBe('FRAME_SIZE');
  });
});

describe('the quality of an image', () => {
  /** The same figures, straight from their definitions. */
  function expectedQuality(rgb: Uint8Array, width: number, height: number, square: Square) {
    const isWithin = (at: number) => {
      const [x, y] = [(at % width) - square.x, Math.floor(at / width) - square.y];
      return x >= 0 && y >= 0 && x < square.side && y < square.side;
    };
    const clip = (value: number) =>
      [0, 1, 2].map(
        (channel) =>
          rgb.filter((each, i) => i % 3 === channel && each === value && isWithin(Math.floor(i / 3))).length,
      );
    const side = 128;
    const small = areaResampleReference({ rgb, width, height }, square, side);
    const luminance = Array.from({ length: side * side }, (_, i) => {
      return (77 * small[i * 3] + 150 * small[i * 3 + 1] + 29 * small[i * 3 + 2] + 128) >> 8;
    });
    const laplacian: number[] = [];
    for (let y = 1; y < side - 1; y++) {
      for (let x = 1; x < side - 1; x++) {
        const at = (dy: number, dx: number) => luminance[(y + dy) * side + x + dx];
        laplacian.push(at(-1, 0) + at(1, 0) + at(0, -1) + at(0, 1) - 4 * at(0, 0));
      }
    }
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
    const squares = (values: number[]) => sum(values.map((value) => value * value));
    return {
      lowClip: clip(0),
      highClip: clip(255),
      luminanceMinimum: Math.min(...luminance),
      luminanceMaximum: Math.max(...luminance),
      luminanceSum: sum(luminance),
      luminanceSquares: squares(luminance),
      laplacianSum: sum(laplacian),
      laplacianSquares: squares(laplacian),
      working: small,
    };
  }

  it.each([
    [1, 1],
    [3, 200],
    [128, 128],
    [150, 131],
    [601, 450],
  ])('of %i × %i pixels is counted exactly', (width, height) => {
    const rgb = randomPixels(width, height, width + height);
    const centred = centredSquare(width, height);
    const side = Math.ceil(centred.side / 2);
    for (const square of [centred, { x: width - side, y: height - side, side }]) {
      const expected = expectedQuality(rgb, width, height, square);
      expect(addon.measureQuality({ rgb, width, height }, square)).toEqual(expected);
    }
  });

  it('of a clipped image is all clipped', () => {
    const rgb = new Uint8Array(500 * 400 * 3).fill(255);
    const square = { x: 50, y: 0, side: 400 };
    expect(addon.measureQuality({ rgb, width: 500, height: 400 }, square)).toMatchObject({
      lowClip: [0, 0, 0],
      highClip: [160_000, 160_000, 160_000],
      luminanceMinimum: 255,
      laplacianSquares: 0,
    });
  });
});
