import type { Random } from './random.ts';

const TABLE = 256;

/** Gradient noise in the plane, with its fractal sum and a cellular pattern, all from one permutation table. */
export class Noise {
  readonly #order = new Uint8Array(2 * TABLE);
  readonly #slopes = new Float32Array(2 * TABLE);

  #nearest = 0;
  #second = 0;

  constructor(random: Random) {
    const order = Array.from({ length: TABLE }, (_, i) => i);
    for (let i = TABLE - 1; i > 0; i--) {
      const j = random.integer(0, i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    for (let i = 0; i < 2 * TABLE; i++) this.#order[i] = order[i % TABLE];
    for (let i = 0; i < TABLE; i++) {
      const angle = random.between(0, 2 * Math.PI);
      this.#slopes[2 * i] = Math.cos(angle);
      this.#slopes[2 * i + 1] = Math.sin(angle);
    }
  }

  /** About −0.7…0.7, mean 0, features of size 1. */
  at(x: number, y: number): number {
    const column = Math.floor(x);
    const row = Math.floor(y);
    const dx = x - column;
    const dy = y - row;
    const u = dx * dx * (3 - 2 * dx);
    const v = dy * dy * (3 - 2 * dy);
    const top = this.#corner(column, row, dx, dy) * (1 - u) + this.#corner(column + 1, row, dx - 1, dy) * u;
    const bottom =
      this.#corner(column, row + 1, dx, dy - 1) * (1 - u) +
      this.#corner(column + 1, row + 1, dx - 1, dy - 1) * u;
    return top * (1 - v) + bottom * v;
  }

  /** Octaves of `at`, each half as large and half as strong as the one before. */
  fractal(x: number, y: number, octaves: number): number {
    let sum = 0;
    let strength = 1;
    for (let octave = 0; octave < octaves; octave++) {
      sum += strength * this.at(x, y);
      x = 2 * x + 17.3;
      y = 2 * y + 5.9;
      strength /= 2;
    }
    return sum;
  }

  /**
   * How much farther the second nearest of scattered cell centres (one per unit square) is than the nearest: about 0
   * on the lines of a net, up to 1 inside its holes.
   */
  net(x: number, y: number): number {
    this.#measureCells(x, y);
    return this.#second - this.#nearest;
  }

  /** Distance to the nearest of the same cell centres. */
  cell(x: number, y: number): number {
    this.#measureCells(x, y);
    return this.#nearest;
  }

  /** Leaves both distances in fields: an object per pixel would keep the garbage collector busy. */
  #measureCells(x: number, y: number): void {
    const column = Math.floor(x);
    const row = Math.floor(y);
    let nearest = Infinity;
    let second = Infinity;
    for (let r = row - 1; r <= row + 1; r++) {
      for (let c = column - 1; c <= column + 1; c++) {
        const at = 2 * this.#hash(c, r);
        const dx = c + 0.5 + 0.42 * this.#slopes[at] - x;
        const dy = r + 0.5 + 0.42 * this.#slopes[at + 1] - y;
        const squared = dx * dx + dy * dy;
        if (squared < nearest) {
          second = nearest;
          nearest = squared;
        } else if (squared < second) second = squared;
      }
    }
    this.#nearest = Math.sqrt(nearest);
    this.#second = Math.sqrt(second);
  }

  #hash(column: number, row: number): number {
    return this.#order[this.#order[column & (TABLE - 1)] + (row & (TABLE - 1))];
  }

  #corner(column: number, row: number, dx: number, dy: number): number {
    const at = 2 * this.#hash(column, row);
    return this.#slopes[at] * dx + this.#slopes[at + 1] * dy;
  }
}

/** 0 below `low`, 1 above `high`, smooth between; falling when `low` > `high`. */
export function smoothstep(low: number, high: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
}
