import { smoothstep } from './noise.ts';

export const WIDTH = 600;
export const HEIGHT = 450;

export interface Point {
  readonly x: number;
  readonly y: number;
}

const coverage = new Float32Array(WIDTH * HEIGHT);

/** One quantity over the frame, for example the amount of melanin under each pixel. */
export class Plane {
  readonly values = new Float32Array(WIDTH * HEIGHT);

  clear(): void {
    this.values.fill(0);
  }

  /** Adds `function(x, y)`, evaluated on every `step`-th pixel and interpolated between. */
  addField(step: number, field: (x: number, y: number) => number): void {
    let upper = sampleRow(0, step, field);
    for (let row = 0; row < HEIGHT; row += step) {
      const lower = sampleRow(row + step, step, field);
      const end = Math.min(row + step, HEIGHT);
      for (let y = row; y < end; y++) this.#addRow(y, upper, lower, (y - row) / step, step);
      upper = lower;
    }
  }

  #addRow(y: number, upper: Float32Array, lower: Float32Array, down: number, step: number): void {
    let at = y * WIDTH;
    for (let cell = 0; cell + 1 < upper.length; cell++) {
      const left = upper[cell] + (lower[cell] - upper[cell]) * down;
      const right = upper[cell + 1] + (lower[cell + 1] - upper[cell + 1]) * down;
      const slope = (right - left) / step;
      const pixels = Math.min(step, WIDTH - cell * step);
      for (let i = 0; i < pixels; i++) this.values[at++] += left + slope * i;
    }
  }

  /** Adds `amount` over a disc whose edge fades over `softness` (0…1) of its radius. */
  addDisc(centre: Point, radius: number, softness: number, amount: number): void {
    const inner = radius * (1 - softness) - 0.5;
    this.#each(centre.x - radius, centre.y - radius, centre.x + radius, centre.y + radius, (x, y, at) => {
      const distance = Math.hypot(x - centre.x, y - centre.y);
      this.values[at] += amount * smoothstep(radius + 0.5, inner, distance);
    });
  }

  /** Adds `amount` along a line through `points`, `widths` pixels wide at its ends. */
  addStroke(points: readonly Point[], widths: readonly [number, number], amount: number): void {
    const margin = Math.max(...widths) + 1;
    for (let i = 0; i + 1 < points.length; i++) {
      const half = (widths[0] + ((widths[1] - widths[0]) * i) / points.length) / 2;
      this.#cover(points[i], points[i + 1], half);
    }
    const xs = points.map((point) => point.x);
    const ys = points.map((point) => point.y);
    const low = { x: Math.min(...xs) - margin, y: Math.min(...ys) - margin };
    this.#each(low.x, low.y, Math.max(...xs) + margin, Math.max(...ys) + margin, (_x, _y, at) => {
      this.values[at] += amount * coverage[at];
      coverage[at] = 0;
    });
  }

  /** Overlapping segments of one stroke must not add up: coverage keeps the larger. */
  #cover(from: Point, to: Point, half: number): void {
    const dx = to.x - from.x;
    const dy = to.y - from.y;
    const length = Math.max(1e-6, dx * dx + dy * dy);
    const margin = half + 1;
    this.#each(
      Math.min(from.x, to.x) - margin,
      Math.min(from.y, to.y) - margin,
      Math.max(from.x, to.x) + margin,
      Math.max(from.y, to.y) + margin,
      (x, y, at) => {
        const along = Math.min(1, Math.max(0, ((x - from.x) * dx + (y - from.y) * dy) / length));
        const distance = Math.hypot(x - from.x - along * dx, y - from.y - along * dy);
        coverage[at] = Math.max(coverage[at], Math.min(1, Math.max(0, half + 0.5 - distance)));
      },
    );
  }

  #each(
    left: number,
    top: number,
    right: number,
    bottom: number,
    visit: (x: number, y: number, at: number) => void,
  ): void {
    const lastColumn = Math.min(WIDTH - 1, Math.ceil(right));
    const lastRow = Math.min(HEIGHT - 1, Math.ceil(bottom));
    for (let y = Math.max(0, Math.floor(top)); y <= lastRow; y++) {
      for (let x = Math.max(0, Math.floor(left)); x <= lastColumn; x++) visit(x, y, y * WIDTH + x);
    }
  }
}

function sampleRow(y: number, step: number, field: (x: number, y: number) => number): Float32Array {
  const row = new Float32Array(Math.ceil(WIDTH / step) + 1);
  for (let i = 0; i < row.length; i++) row[i] = field(i * step, y);
  return row;
}
