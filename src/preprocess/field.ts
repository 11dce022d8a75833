/** Where in a frame there is something to read: within the round field of a dermoscope, or all over it. */
import type { Frame, Square } from '../frame.ts';
import type { Circle } from './circle-fit.ts';
import { refuseUnlessFilled, refuseUnlessSized } from './frame-check.ts';
import { areaResample } from './resample.ts';
import { roundField } from './round-field.ts';
import { centredSquare } from './square.ts';

export interface Field {
  /** What is read. */
  readonly square: Square;
  /** Within what a square may be moved to where the lesion is. */
  readonly bounds: Bounds;
  /** What the integrity check looks at: of a round field the square inscribed in it, else `square`. */
  readonly checked: Square;
  /** The line of a round field, pixels; what a square holds beyond it is filled. Null where nothing is. */
  readonly circle: Circle | null;
}

/** A rectangle of the frame, pixels from its top left corner. */
export interface Bounds {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A frame whose middle square is black to a smaller share than this is read as if there were no surround. */
const LEAST_BLACK = 0.05;
/** Mirroring starts this far within the line, as a share of the radius: the edge itself is blurred and coloured. */
const EDGE = 0.03;

/**
 * The field of a frame: the square around its round field, or the largest square in its middle.
 * @throws RefusedError `FRAME_SIZE`
 */
export function fieldOf(frame: Frame): Field {
  refuseUnlessSized(frame);
  refuseUnlessFilled(frame);
  const { width, height } = frame;
  const centred = centredSquare(width, height);
  const circle = roundField(frame);
  if (circle === null || shareBeyond(circle, centred) < LEAST_BLACK) {
    return { square: centred, bounds: { x: 0, y: 0, width, height }, checked: centred, circle: null };
  }
  const square = squareAround(circle, 2 * circle.radius, { x: 0, y: 0, width, height });
  const bounds = { x: square.x, y: square.y, width: square.side, height: square.side };
  return { square, bounds, checked: squareAround(circle, circle.radius * Math.SQRT2, bounds), circle };
}

/**
 * What the network sees of a square of a frame: area-resampled, and beyond the line of a round field the mirror image of
 * what lies within it, since training has seen no black corners of that size (docs/design/preprocessing.md).
 * @returns uint8 RGB, size × size × 3
 * @throws RefusedError as `areaResample`
 */
export function inputOf(frame: Frame, { circle }: Field, square: Square, size: number): Uint8Array {
  const input = areaResample(frame, square, size);
  if (circle !== null) mirrorBeyond(input, circle, square, size);
  return input;
}

function squareAround({ x, y }: Circle, wanted: number, bounds: Bounds): Square {
  const side = Math.max(1, Math.min(Math.floor(wanted), bounds.width, bounds.height));
  const place = (centre: number, start: number, extent: number) =>
    Math.min(Math.max(Math.round(centre - side / 2), start), start + extent - side);
  return { x: place(x, bounds.x, bounds.width), y: place(y, bounds.y, bounds.height), side };
}

/** Points along each side of a square on which the share beyond a circle is counted. */
const GRID = 64;

function shareBeyond({ x, y, radius }: Circle, square: Square): number {
  let beyond = 0;
  for (let i = 0; i < GRID * GRID; i++) {
    const dx = square.x + (((i % GRID) + 0.5) * square.side) / GRID - x;
    const dy = square.y + ((Math.floor(i / GRID) + 0.5) * square.side) / GRID - y;
    if (dx * dx + dy * dy > radius * radius) beyond++;
  }
  return beyond / (GRID * GRID);
}

/** Each pixel beyond the line becomes the one as far within it, towards the centre. */
function mirrorBeyond(pixels: Uint8Array, { x, y, radius }: Circle, square: Square, size: number): void {
  const scale = square.side / size;
  const line = radius * (1 - EDGE) - scale / 2;
  const place = (position: number, start: number) =>
    Math.min(Math.max(Math.floor((position - start) / scale), 0), size - 1);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const dx = square.x + (column + 0.5) * scale - x;
      const dy = square.y + (row + 0.5) * scale - y;
      const distance = Math.sqrt(dx * dx + dy * dy);
      if (distance <= line) continue;
      const towards = Math.max(0, 2 * line - distance) / distance;
      const from = 3 * (place(y + dy * towards, square.y) * size + place(x + dx * towards, square.x));
      pixels.copyWithin(3 * (row * size + column), from, from + 3);
    }
  }
}
