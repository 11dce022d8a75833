import type { Frame, RgbFrame, Square } from '../frame.ts';
import type { QualitySums } from '../native/addon.ts';
import { refuseUnlessFilled, refuseUnlessSized, refuseUnlessWithin } from './frame-check.ts';
import { areaResampleReference } from './resample-reference.ts';
import { rgbFrameOf } from './yuv-reference.ts';

/** Side of the square on which luminance and focus are measured, pixels. */
const SIDE = 128;

/**
 * The sums of the integrity check by their definitions (see `QualitySums`). The judge of the native ones, and what serves
 * where there is no native addon.
 * @throws RefusedError `FRAME_SIZE`, `CROP`
 */
export function qualitySumsReference(frame: Frame, square: Square): QualitySums {
  refuseUnlessSized(frame);
  refuseUnlessWithin(frame, square, SIDE);
  refuseUnlessFilled(frame);
  const image = rgbFrameOf(frame);
  const working = areaResampleReference(image, square, SIDE);
  const luminance = luminanceOf(working);
  const laplacian = laplacianOf(luminance);
  return {
    lowClip: countPerChannel(image, square, 0),
    highClip: countPerChannel(image, square, 255),
    luminanceMinimum: luminance.reduce((least, value) => Math.min(least, value), 255),
    luminanceMaximum: luminance.reduce((most, value) => Math.max(most, value), 0),
    luminanceSum: sumOf(luminance, (value) => value),
    luminanceSquares: sumOf(luminance, (value) => value * value),
    laplacianSum: sumOf(laplacian, (value) => value),
    laplacianSquares: sumOf(laplacian, (value) => value * value),
    working,
  };
}

function countPerChannel(
  { rgb, width }: RgbFrame,
  { x, y, side }: Square,
  wanted: number,
): [number, number, number] {
  const counts: [number, number, number] = [0, 0, 0];
  for (let row = y; row < y + side; row++) {
    const line = rgb.subarray((row * width + x) * 3, (row * width + x + side) * 3);
    line.forEach((value, i) => {
      if (value === wanted) counts[i % 3]++;
    });
  }
  return counts;
}

/** (77 R + 150 G + 29 B + 128) >> 8. */
function luminanceOf(small: Uint8Array): Int32Array {
  return Int32Array.from(
    { length: SIDE * SIDE },
    (_, i) => (77 * small[3 * i] + 150 * small[3 * i + 1] + 29 * small[3 * i + 2] + 128) >> 8,
  );
}

/** Four neighbours less four times the centre, of the inner pixels. */
function laplacianOf(luminance: Int32Array): Int32Array {
  const inner = SIDE - 2;
  return Int32Array.from({ length: inner * inner }, (_, i) => {
    const at = (Math.floor(i / inner) + 1) * SIDE + (i % inner) + 1;
    const around = luminance[at - SIDE] + luminance[at + SIDE] + luminance[at - 1] + luminance[at + 1];
    return around - 4 * luminance[at];
  });
}

function sumOf(values: Int32Array, of: (value: number) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0);
}
