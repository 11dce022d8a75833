import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { PhantomPainter } from '../../src/capture/phantom/draw.ts';
import type { YuvFrame } from '../../src/frame.ts';
import { nativeAddon } from '../../src/native/addon.ts';
import { decodeImage } from '../../src/preprocess/decode.ts';
import { areaResampleReference } from '../../src/preprocess/resample-reference.ts';
import { centredSquare } from '../../src/preprocess/square.ts';
import { rgbOfYuv } from '../../src/preprocess/yuv-reference.ts';
import { Random } from '../support/random.ts';
import { yuvOf } from '../support/yuv.ts';

const addon = nativeAddon();

const frames = fc
  .record({
    halfWidth: fc.integer({ min: 1, max: 40 }),
    halfHeight: fc.integer({ min: 1, max: 40 }),
    padding: fc.integer({ min: 0, max: 20 }),
    seed: fc.nat(),
  })
  .map(({ halfWidth, halfHeight, padding, seed }): YuvFrame => {
    const [width, height, stride] = [2 * halfWidth, 2 * halfHeight, 2 * (halfWidth + padding)];
    return { yuv420: new Random(seed).bytes((stride * height * 3) / 2), width, height, stride };
  });

describe("a camera's YUV frame", () => {
  it('resamples exactly as its RGB conversion does, whatever the stride and the square', () => {
    fc.assert(
      fc.property(frames, fc.nat(), fc.integer({ min: 1, max: 70 }), (frame, place, size) => {
        const { width, height } = frame;
        const side = 1 + (place % Math.min(width, height));
        const square = { x: place % (width - side + 1), y: (place >>> 8) % (height - side + 1), side };
        expect(addon.areaResample(frame, square, size)).toEqual(
          areaResampleReference(rgbOfYuv(frame), square, size),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('is measured exactly as its RGB conversion is', () => {
    fc.assert(
      fc.property(frames, fc.nat(), (frame, place) => {
        const side = 1 + (place % Math.min(frame.width, frame.height));
        const square = { x: place % (frame.width - side + 1), y: place % (frame.height - side + 1), side };
        expect(addon.measureQuality(frame, square)).toEqual(addon.measureQuality(rgbOfYuv(frame), square));
      }),
      { numRuns: 60 },
    );
  });

  it('becomes the network input that the file path gives, within one grey level', async () => {
    const painter = new PhantomPainter();
    for (let seed = 0; seed < 5; seed++) {
      const { frame } = painter.draw(seed);
      const { width, height } = frame;
      const camera = yuvOf(frame, width + 22);
      const png = await sharp(realValuedRgb(camera), { raw: { width, height, channels: 3 } })
        .png()
        .toBuffer();
      const square = centredSquare(width, height);
      const fromFile = addon.areaResample(await decodeImage(png), square, 64);
      expect(largestDifference(addon.areaResample(camera, square, 64), fromFile)).toBeLessThanOrEqual(1);
    }
  });

  it('keeps grey exactly grey', () => {
    for (const grey of [0, 1, 127, 254, 255]) {
      const yuv420 = new Uint8Array(600).fill(grey, 0, 400).fill(128, 400);
      const output = addon.areaResample(
        { yuv420, width: 20, height: 20, stride: 20 },
        { x: 0, y: 0, side: 20 },
        8,
      );
      expect(output.every((value) => value === grey)).toBe(true);
    }
  });

  it.each([
    ['too few bytes', { yuv420: new Uint8Array(149), width: 10, height: 10, stride: 10 }],
    ['an odd width', { yuv420: new Uint8Array(165), width: 11, height: 10, stride: 11 }],
    ['an odd stride', { yuv420: new Uint8Array(165), width: 10, height: 10, stride: 11 }],
    ['a stride below the width', { yuv420: new Uint8Array(120), width: 10, height: 10, stride: 8 }],
  ])('is refused with %s', (_, frame) => {
    const square = { x: 0, y: 0, side: 10 };
    expect(() => addon.measureQuality(frame, square)).toThrow(
      expect.objectContaining({ code: 'FRAME_SIZE' }),
    );
  });
});

/** The conversion of BT.601 in real numbers, as any image program does it. */
function realValuedRgb({ yuv420, width, height, stride }: YuvFrame): Uint8ClampedArray {
  const rgb = new Uint8ClampedArray(width * height * 3);
  const chroma = (plane: number, x: number, y: number) =>
    yuv420[stride * height + ((plane * stride) / 2) * (height / 2) + (y >> 1) * (stride / 2) + (x >> 1)] -
    128;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [luminance, u, v] = [yuv420[y * stride + x], chroma(0, x, y), chroma(1, x, y)];
      rgb.set(
        [luminance + 1.402 * v, luminance - 0.344136 * u - 0.714136 * v, luminance + 1.772 * u],
        (y * width + x) * 3,
      );
    }
  }
  return rgb;
}

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);
}
