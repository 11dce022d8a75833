import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RgbFrame } from '../../src/frame.ts';
import { reduced, reductionOf } from '../../src/preprocess/reduced.ts';
import { rgbFrameOf } from '../../src/preprocess/yuv-reference.ts';
import { yuvOf } from '../support/yuv.ts';

const frames = fc
  .record({ width: fc.integer({ min: 1, max: 24 }), height: fc.integer({ min: 1, max: 24 }) })
  .chain(({ width, height }) => {
    const size = { width: 2 * width, height: 2 * height };
    const bytes = 3 * size.width * size.height;
    return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((rgb): RgbFrame => ({ rgb, ...size }));
  });

/** The mean of each cell of two by two pixels. */
function halved({ rgb, width, height }: RgbFrame): number[] {
  const means: number[] = [];
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      for (let c = 0; c < 3; c++) {
        const at = (dx: number, dy: number) => rgb[3 * ((y + dy) * width + x + dx) + c];
        means.push((at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4);
      }
    }
  }
  return means;
}

function mostApart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
}

describe('a reduced frame', () => {
  it('is the mean of its cells at half the size', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const view = reduced(frame, 2);
        expect([view.width, view.height]).toEqual([frame.width / 2, frame.height / 2]);
        expect(mostApart(view.rgb, halved(frame))).toBeLessThanOrEqual(0.5);
      }),
    );
  });

  it('of a camera has the colours that the frame has, pixel by pixel', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const yuv = yuvOf(frame, frame.width + 6);
        expect(mostApart(reduced(yuv, 1).rgb, rgbFrameOf(yuv).rgb)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('of any factor stays within the frame and has as many pixels as it says', () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 9 }), (frame, factor) => {
        for (const each of [frame, yuvOf(frame)]) {
          const view = reduced(each, factor);
          expect(view.rgb.length).toBe(3 * view.width * view.height);
        }
      }),
    );
  });

  it('is reduced by a whole number that leaves so many pixels at most', () => {
    const frame = { rgb: new Uint8Array(0), width: 1280, height: 960 };
    expect([1280, 640, 639, 5].map((longest) => reductionOf(frame, longest))).toEqual([1, 2, 3, 256]);
  });
});
