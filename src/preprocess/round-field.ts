/** Finds the round field of a dermoscope: a lit disc, whole or cut by the frame's edges, on black. */
import type { Frame } from '../frame.ts';
import { type Circle, distanceFrom, fitCircle, type Point } from './circle-fit.ts';
import { type LuminanceReader, luminanceReader, type Samples, samplesOf } from './samples.ts';

export type { Circle } from './circle-fit.ts';

/** A surround is darker than this share of the lit field, and in any case than a grey level. */
const DARK_SHARE = 0.25;
const MOST_OF_DARK = 48;
/** Pixels looked at along each side of a corner. */
const CORNER_SAMPLES = 4;
/** A field that is itself darker than this has no edge to be told by. */
const LEAST_OF_LIT = 60;
/** Points of the edge lie on a circle within this many cells, or this share of its radius; this share of them has to. */
const GRAIN = 1.5;
const TOLERANCE = 0.03;
const LEAST_ON_CIRCLE = 0.8;
/** Fewer points are no edge. */
const LEAST_POINTS = 16;
/** Of the frame's short side: the field's diameter at least, and its centre's distance from the frame's at most. */
const LEAST_DIAMETER = 0.45;
const MOST_OFFSET = 0.2;
/** Share of the cells within the circle that may belong to the surround, and of those beyond it that must. */
const MOST_DARK_WITHIN = 0.03;
const LEAST_DARK_BEYOND = 0.95;
/** Share of the points on the circle that each quarter of the turn has at least. */
const LEAST_PER_QUARTER = 0.05;

/** The field in pixels of the frame; null where the frame has no round field on black. */
export function roundField(frame: Frame): Circle | null {
  const luminance = luminanceReader(frame);
  if (!hasDarkCorners(frame, luminance)) return null;
  const samples = samplesOf(frame, luminance);
  const lit = litLevel(samples);
  if (lit < LEAST_OF_LIT) return null;
  const dark = Math.min(MOST_OF_DARK, lit * DARK_SHARE);
  const surround = surroundOf(samples, dark);
  const edge = edgeOf(samples, surround);
  const circle = edge.length < LEAST_POINTS ? null : fitCircle(edge, GRAIN);
  if (circle === null || !isField(circle, edge, samples, surround)) return null;
  const { cell } = samples;
  return { x: circle.x * cell, y: circle.y * cell, radius: circle.radius * cell };
}

/** Luminance that a quarter of the frame's middle reaches: skin, also around a black lesion. */
function litLevel({ values, columns, rows }: Samples): number {
  const histogram = new Int32Array(256);
  let count = 0;
  for (let y = rows >> 2; y < rows - (rows >> 2); y++) {
    for (let x = columns >> 2; x < columns - (columns >> 2); x++, count++)
      histogram[values[y * columns + x]]++;
  }
  let above = 0;
  for (let level = 255; level > 0; level--) {
    above += histogram[level];
    if (4 * above >= count) return level;
  }
  return 0;
}

/** Almost every frame without a surround is known by this alone, from a few pixels. */
function hasDarkCorners({ width, height }: Frame, luminance: LuminanceReader): boolean {
  const side = Math.max(1, Math.min(width, height) / 32);
  const isDark = (left: number, top: number) => {
    let sum = 0;
    for (let i = 0; i < CORNER_SAMPLES ** 2; i++) {
      const [x, y] = [i % CORNER_SAMPLES, Math.floor(i / CORNER_SAMPLES)];
      const along = side / CORNER_SAMPLES;
      sum += luminance(Math.floor(left + x * along), Math.floor(top + y * along));
    }
    return sum < MOST_OF_DARK * CORNER_SAMPLES ** 2;
  };
  const [right, bottom] = [width - side, height - side];
  return isDark(0, 0) && isDark(right, 0) && isDark(0, bottom) && isDark(right, bottom);
}

/** Dark cells that reach the frame's edge over dark cells: 1 each. */
function surroundOf({ values, columns, rows }: Samples, dark: number): Uint8Array {
  const surround = new Uint8Array(columns * rows);
  const open: number[] = [];
  const visit = (x: number, y: number) => {
    if (x < 0 || y < 0 || x >= columns || y >= rows) return;
    const place = y * columns + x;
    if (surround[place] === 1 || values[place] >= dark) return;
    surround[place] = 1;
    open.push(place);
  };
  for (let x = 0; x < columns; x++) for (const y of [0, rows - 1]) visit(x, y);
  for (let y = 0; y < rows; y++) for (const x of [0, columns - 1]) visit(x, y);
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const [x, y] = [place % columns, Math.floor(place / columns)];
    visit(x - 1, y);
    visit(x + 1, y);
    visit(x, y - 1);
    visit(x, y + 1);
  }
  return surround;
}

/** Where the surround ends, seen from each side of the frame, row by row and column by column. */
function edgeOf({ columns, rows }: Samples, surround: Uint8Array): Point[] {
  const edge: Point[] = [];
  const follow = (length: number, placeOf: (i: number) => number, pointOf: (i: number) => Point) => {
    let first = 0;
    while (first < length && surround[placeOf(first)] === 1) first++;
    if (first === length) return;
    let end = length;
    while (surround[placeOf(end - 1)] === 1) end--;
    if (first > 0) edge.push(pointOf(first));
    if (end < length) edge.push(pointOf(end));
  };
  for (let y = 0; y < rows; y++) {
    follow(
      columns,
      (x) => y * columns + x,
      (x) => ({ x, y: y + 0.5 }),
    );
  }
  for (let x = 0; x < columns; x++) {
    follow(
      rows,
      (y) => y * columns + x,
      (y) => ({ x: x + 0.5, y }),
    );
  }
  return edge;
}

function isField(circle: Circle, edge: readonly Point[], samples: Samples, surround: Uint8Array): boolean {
  const { columns, rows } = samples;
  const [short, long] = [Math.min(columns, rows), Math.max(columns, rows)];
  const { x, y, radius } = circle;
  if (2 * radius < LEAST_DIAMETER * short || 2 * radius > long * Math.SQRT2) return false;
  if (Math.hypot(x - columns / 2, y - rows / 2) > MOST_OFFSET * short) return false;
  const on = edge.filter((point) => distanceFrom(circle, point) <= Math.max(GRAIN, TOLERANCE * radius));
  if (on.length < LEAST_ON_CIRCLE * edge.length) return false;
  const quarters = [0, 0, 0, 0];
  for (const point of on) quarters[(point.x < x ? 0 : 1) + (point.y < y ? 0 : 2)]++;
  if (quarters.some((count) => count < LEAST_PER_QUARTER * on.length)) return false;
  return isLitWithin(circle, samples, surround);
}

/** Whether the surround stays out of the circle and fills what is beyond it. */
function isLitWithin({ x, y, radius }: Circle, { columns, rows }: Samples, surround: Uint8Array): boolean {
  const counts = { within: 0, darkWithin: 0, beyond: 0, darkBeyond: 0 };
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
      const isDark = surround[row * columns + column];
      if (distance < 0.9 * radius) {
        counts.within++;
        counts.darkWithin += isDark;
      } else if (distance > 1.1 * radius) {
        counts.beyond++;
        counts.darkBeyond += isDark;
      }
    }
  }
  const { within, darkWithin, beyond, darkBeyond } = counts;
  return darkWithin <= MOST_DARK_WITHIN * within && darkBeyond >= LEAST_DARK_BEYOND * beyond;
}
