import type { QualitySums } from '../runtime/native.ts';
import type { Frame } from '../runtime/reading.ts';
import { areaResampleReference } from './resample-reference.ts';
import { centredSquare } from './square.ts';

/** Side of the square on which luminance and focus are measured, pixels. */
export const WORKING_SIDE = 128;

/** The sums behind the integrity check by their definitions (see `QualitySums`). The judge of the native ones. */
export function measureQualityReference(frame: Frame): QualitySums {
  const luminance = workingLuminance(frame);
  const laplacian = laplacianOf(luminance);
  return {
    lowClip: countPerChannel(frame.rgb, 0),
    highClip: countPerChannel(frame.rgb, 255),
    luminanceMinimum: luminance.reduce((least, value) => Math.min(least, value)),
    luminanceMaximum: luminance.reduce((most, value) => Math.max(most, value)),
    luminanceSum: sumOf(luminance),
    luminanceSquares: sumOf(luminance.map((value) => value * value)),
    laplacianSum: sumOf(laplacian),
    laplacianSquares: sumOf(laplacian.map((value) => value * value)),
  };
}

function countPerChannel(rgb: Uint8Array, wanted: number): [number, number, number] {
  const counts: [number, number, number] = [0, 0, 0];
  rgb.forEach((value, i) => {
    if (value === wanted) counts[i % 3]++;
  });
  return counts;
}

function workingLuminance(frame: Frame): Int32Array {
  const square = centredSquare(frame.width, frame.height);
  const rgb = areaResampleReference(frame, square, WORKING_SIDE);
  return Int32Array.from(
    { length: WORKING_SIDE * WORKING_SIDE },
    (_, i) => (77 * rgb[3 * i] + 150 * rgb[3 * i + 1] + 29 * rgb[3 * i + 2] + 128) >> 8,
  );
}

function laplacianOf(luminance: Int32Array): Int32Array {
  const inner = WORKING_SIDE - 2;
  return Int32Array.from({ length: inner * inner }, (_, i) => {
    const at = (Math.floor(i / inner) + 1) * WORKING_SIDE + (i % inner) + 1;
    return (
      luminance[at - 1] +
      luminance[at + 1] +
      luminance[at - WORKING_SIDE] +
      luminance[at + WORKING_SIDE] -
      4 * luminance[at]
    );
  });
}

function sumOf(values: Int32Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}
