/** What serves where there is no native addon, against the addon. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Frame, Square } from '../../src/frame.ts';
import { fromNative, nativeAddon } from '../../src/native/addon.ts';
import { qualitySumsReference } from '../../src/preprocess/quality-reference.ts';
import { areaResampleInScript } from '../../src/preprocess/resample.ts';
import { Random } from '../support/random.ts';

const addon = nativeAddon();

/** Random bytes, some of them clipped. */
function bytesOf(length: number, seed: number): Uint8Array {
  const random = new Random(seed);
  return random.bytes(length).map((value) => (random.chance(1 / 3) ? (value < 128 ? 0 : 255) : value));
}

const rgbFrames = fc
  .tuple(fc.integer({ min: 1, max: 160 }), fc.integer({ min: 1, max: 160 }), fc.nat())
  .map(([width, height, seed]): Frame => ({ rgb: bytesOf(width * height * 3, seed), width, height }));

const yuvFrames = fc
  .tuple(
    fc.integer({ min: 1, max: 80 }),
    fc.integer({ min: 1, max: 80 }),
    fc.integer({ min: 0, max: 9 }),
    fc.nat(),
  )
  .map(([halfWidth, halfHeight, padding, seed]): Frame => {
    const [width, height, stride] = [2 * halfWidth, 2 * halfHeight, 2 * (halfWidth + padding)];
    return { yuv420: bytesOf((stride * height * 3) / 2, seed), width, height, stride };
  });

const frames = fc.oneof(rgbFrames, yuvFrames);

function squareIn({ width, height }: Frame, place: number): Square {
  const side = 1 + (place % Math.min(width, height));
  return { x: place % (width - side + 1), y: (place >>> 8) % (height - side + 1), side };
}

/** What a call gives, or the code of its refusal. */
function outcomeOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    const known = fromNative(error);
    return known instanceof Error && 'code' in known ? known.code : String(known);
  }
}

describe('without the addon', () => {
  it('the sums of the integrity check are the same, to the last pixel', () => {
    fc.assert(
      fc.property(frames, fc.nat(), (frame, place) => {
        const square = squareIn(frame, place);
        expect(qualitySumsReference(frame, square)).toEqual(addon.measureQuality(frame, square));
      }),
      { numRuns: 60 },
    );
  });

  it('a square is resampled to the same bytes', () => {
    fc.assert(
      fc.property(frames, fc.nat(), fc.integer({ min: 1, max: 70 }), (frame, place, size) => {
        const square = squareIn(frame, place);
        expect(areaResampleInScript(frame, square, size)).toEqual(addon.areaResample(frame, square, size));
      }),
      { numRuns: 100 },
    );
  });

  it('frames, squares and sizes are refused alike', () => {
    const numbers = fc.oneof(
      fc.integer({ min: -2, max: 12 }),
      fc.constantFrom(0.5, Number.NaN, Number.POSITIVE_INFINITY, 16384, 16385, 2 ** 24 + 1),
    );
    const anyFrame = fc.record({ width: numbers, height: numbers, stride: numbers, bytes: fc.nat(500) });
    const square = fc.record({ x: numbers, y: numbers, side: numbers });
    fc.assert(
      fc.property(anyFrame, square, numbers, fc.boolean(), (given, at, size, isYuv) => {
        const { width, height, stride } = given;
        const fitting = isYuv ? (stride * height * 3) / 2 : width * height * 3;
        const length =
          fitting >= 0 && fitting < 1000 && given.bytes % 4 > 0 ? Math.floor(fitting) : given.bytes;
        const bytes = new Uint8Array(length);
        const frame = isYuv ? { yuv420: bytes, width, height, stride } : { rgb: bytes, width, height };
        // Only small results: the largest sizes are valid and would only take time.
        const side = size === 16384 ? 16385 : size;
        expect(outcomeOf(() => areaResampleInScript(frame, at, side))).toEqual(
          outcomeOf(() => addon.areaResample(frame, at, side)),
        );
        expect(outcomeOf(() => qualitySumsReference(frame, at))).toEqual(
          outcomeOf(() => addon.measureQuality(frame, at)),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('bytes that are none are refused', () => {
    for (const rgb of [null, new Uint16Array(3), [1, 2, 3]]) {
      const measure = () =>
        Reflect.apply(qualitySumsReference, null, [
          { rgb, width: 1, height: 1 },
          { x: 0, y: 0, side: 1 },
        ]);
      expect(outcomeOf(measure)).toBe('FRAME_SIZE');
    }
  });
});
