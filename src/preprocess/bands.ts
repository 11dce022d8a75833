import { WORKING_SIDE } from './noise.ts';

/** Where all values of a line lie within so many grey levels of each other, nothing was photographed. */
const CONSTANT_RANGE = 2;

/** From here on a line is white because it was too bright: light that was cut off, not data that were lost. */
const WHITE = 250;

/**
 * The longest run of rows, or of columns, that are each of one colour from end to end, as a share of the working square's
 * side, 0…1: what a decoder leaves where data were lost. Columns are rows of a camera that stands on its side.
 * @param rgb WORKING_SIDE × WORKING_SIDE × 3
 */
export function constantBandOf(rgb: Uint8Array): number {
  const row = WORKING_SIDE * 3;
  return Math.max(longestRun(rgb, row, 3), longestRun(rgb, 3, row)) / WORKING_SIDE;
}

function longestRun(rgb: Uint8Array, lineStep: number, pixelStep: number): number {
  let longest = 0;
  let run = 0;
  for (let line = 0; line < WORKING_SIDE; line++) {
    const start = line * lineStep;
    run = isConstant(rgb, start, pixelStep) && !isWhite(rgb, start) ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

function isWhite(rgb: Uint8Array, at: number): boolean {
  return Math.min(rgb[at], rgb[at + 1], rgb[at + 2]) >= WHITE;
}

function isConstant(rgb: Uint8Array, start: number, step: number): boolean {
  for (let channel = 0; channel < 3; channel++) {
    let least = 255;
    let most = 0;
    for (let i = 0; i < WORKING_SIDE; i++) {
      const value = rgb[start + i * step + channel];
      if (value < least) least = value;
      if (value > most) most = value;
      // Of a photograph a few pixels tell.
      if (most - least > CONSTANT_RANGE) return false;
    }
  }
  return true;
}
