import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PhantomPainter } from '../../src/capture/phantom/draw.ts';
import type { Frame, RgbFrame } from '../../src/frame.ts';
import { fieldOf, inputOf } from '../../src/preprocess/field.ts';
import { DEFAULT_QUALITY, measureQuality, retakeReasons, sharpnessOf } from '../../src/preprocess/quality.ts';
import { areaResample } from '../../src/preprocess/resample.ts';
import { centredSquare } from '../../src/preprocess/square.ts';
import { drawnLesion } from '../support/drawn-lesion.ts';
import { roundFieldOf, tornAt } from '../support/round-field.ts';
import { yuvOf } from '../support/yuv.ts';

const reasonsOf = (frame: Frame) => retakeReasons(measureQuality(frame), DEFAULT_QUALITY);
const lesion = (side: number) => drawnLesion(side, side);

/** Fields as dermoscopes show them: whole or cut at top and bottom, a little off the middle, with a soft edge or none. */
const fields = fc.record({
  size: fc.constantFrom([640, 480], [960, 540], [480, 480], [480, 640]),
  diameter: fc.double({ min: 0.5, max: 1.05, noNaN: true }),
  offset: fc.tuple(
    fc.double({ min: -0.06, max: 0.06, noNaN: true }),
    fc.double({ min: -0.06, max: 0.06, noNaN: true }),
  ),
  vignette: fc.constantFrom(0, 0.1, 0.25),
});

describe('a round field on black', () => {
  it('is found, whatever its size and place, and nothing beyond its square is read', () => {
    fc.assert(
      fc.property(fields, ({ size: [width, height], diameter, offset, vignette }) => {
        const share = diameter * Math.min(1, width / height);
        const frame = roundFieldOf(lesion(400), { width, height, diameter: share, offset, vignette });
        const { square, circle, checked } = fieldOf(frame);
        const radius = (share * height) / 2;
        const [x, y] = [width / 2 + offset[0] * height, height / 2 + offset[1] * height];
        if (circle === null) throw new Error('no field was found');
        // Where light fades the line lies farther inside, and a lesion's texture leaves it uneven.
        const slack = (0.02 + 0.6 * vignette) * radius + 3;
        expect(Math.hypot(circle.x - x, circle.y - y)).toBeLessThan(0.05 * radius + 3);
        expect(Math.abs(circle.radius - radius)).toBeLessThan(slack);
        expect(square.x).toBeGreaterThanOrEqual(0);
        expect(square.y).toBeGreaterThanOrEqual(0);
        expect(square.x + square.side).toBeLessThanOrEqual(width);
        expect(square.y + square.side).toBeLessThanOrEqual(height);
        for (const [dx, dy] of [
          [0, 0],
          [1, 0],
          [0, 1],
          [1, 1],
        ]) {
          const corner = Math.hypot(checked.x + dx * checked.side - x, checked.y + dy * checked.side - y);
          expect(corner).toBeLessThan(radius + slack);
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    [1920, 1080, 1],
    [1280, 960, 1],
    [1280, 960, 0.9],
    [1280, 960, 0.6],
  ])('of %i × %i, %f of its height, is read from a file and from a camera', (width, height, diameter) => {
    const frame = roundFieldOf(lesion(400), { width, height, diameter });
    expect(reasonsOf(frame)).toEqual([]);
    const camera = yuvOf(frame, width + 32);
    expect(reasonsOf(camera)).toEqual([]);
    expect(sharpnessOf(camera)).toBeGreaterThan(DEFAULT_QUALITY.minimumFocus);
  });

  it('is checked where it is read: nothing to see in it is sent back, whatever the surround', () => {
    const plain = { rgb: new Uint8Array(300).fill(150), width: 10, height: 10 };
    const frame = roundFieldOf(plain, { width: 640, height: 480, diameter: 0.9 });
    expect(reasonsOf(frame)).toEqual(['flat', 'out-of-focus']);
  });

  it('reaches the network without a black corner, and untouched within its line', () => {
    const frame = roundFieldOf(lesion(480), { width: 640, height: 480, diameter: 1 });
    const field = fieldOf(frame);
    const input = inputOf(frame, field, field.square, 64);
    const plain = areaResample(frame, field.square, 64);
    for (let i = 0; i < 64 * 64; i++) {
      const [x, y] = [i % 64, Math.floor(i / 64)];
      const pixel = [...input.subarray(3 * i, 3 * i + 3)];
      expect(Math.max(...pixel)).toBeGreaterThan(40);
      if (Math.hypot(x - 31.5, y - 31.5) < 0.94 * 32)
        expect(pixel).toEqual([...plain.subarray(3 * i, 3 * i + 3)]);
    }
  });
});

describe('a frame without a surround is read as its middle square', () => {
  const isWhole = (frame: Frame) => {
    const { square, circle, checked } = fieldOf(frame);
    const centred = centredSquare(frame.width, frame.height);
    expect(square).toEqual(centred);
    expect(checked).toEqual(centred);
    expect(circle).toBeNull();
    const input = inputOf(frame, fieldOf(frame), square, 64);
    expect(input).toEqual(areaResample(frame, centred, 64));
  };

  it('when it is any bytes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        fc.infiniteStream(fc.nat(255)),
        (width, height, values) => {
          const rgb = Uint8Array.from({ length: width * height * 3 }, () => values.next().value ?? 0);
          isWhole({ rgb, width, height });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('when it is a phantom, light falling off at its corners or not', () => {
    const painter = new PhantomPainter();
    for (let seed = 1; seed <= 12; seed++) isWhole(painter.draw(seed).frame);
  });

  it.each([
    ['a bar along a side', (x: number) => x < 90],
    ['bars at top and bottom', (_: number, y: number) => y < 50 || y > 310],
    ['a black rectangle all around', (x: number, y: number) => x < 60 || x > 420 || y < 40 || y > 320],
    ['corners that are cut straight', (x: number, y: number) => Math.abs(x - 240) + Math.abs(y - 180) > 260],
    [
      'a field so large that only corners are dark',
      (x: number, y: number) => Math.hypot(x - 240, y - 180) > 240,
    ],
    ['a disc far off its middle', (x: number, y: number) => Math.hypot(x - 110, y - 180) > 100],
    ['no light at all', () => true],
  ])('when it has %s', (_, isBlack) => {
    isWhole(blackened(drawnLesion(480, 360), isBlack));
  });
});

describe('a torn frame', () => {
  it.each([0.5, 0.8, 0.95])('is sent back when it ends after %f of its height', (share) => {
    expect(reasonsOf(tornAt(drawnLesion(640, 480), Math.round(share * 480)))).toEqual(['torn']);
  });

  it('is not one whose end is white: that was too bright', () => {
    const { rgb, width, height } = drawnLesion(640, 480);
    const white = Uint8Array.from(rgb).fill(255, 400 * width * 3);
    expect(reasonsOf({ rgb: white, width, height })).toEqual([]);
  });

  it('is the least sharp of a burst, however sharp its seam', () => {
    expect(sharpnessOf(drawnLesion(640, 480))).toBeGreaterThan(0);
    expect(sharpnessOf(tornAt(drawnLesion(640, 480), 240))).toBe(0);
  });

  it('of a camera on its side is one too', () => {
    const frame = drawnLesion(480, 480);
    const turned = blackened(frame, (x) => x >= 300);
    expect(reasonsOf(turned)).toContain('torn');
  });
});

function blackened({ rgb, width, height }: RgbFrame, isBlack: (x: number, y: number) => boolean): RgbFrame {
  const changed = Uint8Array.from(rgb, (value, i) => {
    const pixel = Math.floor(i / 3);
    return isBlack(pixel % width, Math.floor(pixel / width)) ? 0 : value;
  });
  return { rgb: changed, width, height };
}
