import type { Frame } from '../frame.ts';

/** A frame seen from afar: luminance 0…255 of one pixel in the middle of each square cell. */
export interface Samples {
  readonly values: Uint8Array;
  readonly columns: number;
  readonly rows: number;
  /** Side of a cell, pixels. */
  readonly cell: number;
}

/** Cells along the longer side, at most. */
const CELLS = 160;

/** Luminance of a pixel of a frame. */
export type LuminanceReader = (x: number, y: number) => number;

export function samplesOf({ width, height }: Frame, luminance: LuminanceReader): Samples {
  const cell = Math.max(width, height) / Math.min(CELLS, Math.max(width, height));
  const columns = Math.max(1, Math.round(width / cell));
  const rows = Math.max(1, Math.round(height / cell));
  const values = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    const y = Math.min(height - 1, Math.floor((row + 0.5) * cell));
    for (let column = 0; column < columns; column++) {
      values[row * columns + column] = luminance(Math.min(width - 1, Math.floor((column + 0.5) * cell)), y);
    }
  }
  return { values, columns, rows, cell };
}

/** @param frame sized and filled as it says */
export function luminanceReader(frame: Frame): LuminanceReader {
  if ('yuv420' in frame) {
    const { yuv420, stride } = frame;
    return (x, y) => yuv420[y * stride + x];
  }
  const { rgb, width } = frame;
  return (x, y) => {
    const at = 3 * (y * width + x);
    return (77 * rgb[at] + 150 * rgb[at + 1] + 29 * rgb[at + 2] + 128) >> 8;
  };
}
