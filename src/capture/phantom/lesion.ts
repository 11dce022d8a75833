import { type Noise, smoothstep } from './noise.ts';
import { HEIGHT, type Plane, type Point, WIDTH } from './plane.ts';
import type { Random } from './random.ts';

interface Lobe extends Point {
  readonly long: number;
  readonly short: number;
  readonly cosine: number;
  readonly sine: number;
}

export interface Outline {
  /** Number of overlapping ellipses. */
  readonly lobes: number;
  /** How far noise moves the border, as a share of the radius. */
  readonly irregularity: number;
  /** Share of the radius over which pigment fades out. */
  readonly fuzziness: number;
  /** Radius in pixels. */
  readonly radius: readonly [number, number];
}

/** Where the lesion lies: an irregular shape of overlapping ellipses. */
export class Lesion {
  readonly centre: Point;
  readonly radius: number;
  readonly #lobes: readonly Lobe[];
  readonly #outline: Outline;
  readonly #depths: Plane;
  readonly #random: Random;

  /** @param depths working memory, overwritten */
  constructor(outline: Outline, noise: Noise, random: Random, depths: Plane) {
    this.#outline = outline;
    this.#depths = depths;
    this.#random = random;
    this.radius = random.between(...outline.radius);
    this.centre = {
      x: WIDTH / 2 + random.between(-70, 70),
      y: HEIGHT / 2 + random.between(-45, 45),
    };
    this.#lobes = Array.from({ length: outline.lobes }, (_, i) => this.#lobe(i));
    depths.clear();
    depths.addField(3, (x, y) => this.#depthOf(x, y, noise));
  }

  #lobe(index: number): Lobe {
    const random = this.#random;
    const angle = random.between(0, Math.PI);
    const towards = random.between(0, 2 * Math.PI);
    const distance = index === 0 ? 0 : this.radius * random.between(0.55, 0.9);
    const size = this.radius * (index === 0 ? 1 : random.between(0.4, 0.75));
    return {
      x: this.centre.x + distance * Math.cos(towards),
      y: this.centre.y + distance * Math.sin(towards),
      long: size * random.between(1, 1.25),
      short: size * random.between(0.72, 1),
      cosine: Math.cos(angle),
      sine: Math.sin(angle),
    };
  }

  /** 1 in the middle, 0 on the border, negative outside. */
  depth(x: number, y: number): number {
    const column = Math.min(WIDTH - 1, Math.max(0, Math.round(x)));
    const row = Math.min(HEIGHT - 1, Math.max(0, Math.round(y)));
    return this.#depths.values[row * WIDTH + column];
  }

  #depthOf(x: number, y: number, noise: Noise): number {
    let radius = Infinity;
    for (const lobe of this.#lobes) {
      const dx = x - lobe.x;
      const dy = y - lobe.y;
      const along = (dx * lobe.cosine + dy * lobe.sine) / lobe.long;
      const across = (dy * lobe.cosine - dx * lobe.sine) / lobe.short;
      radius = Math.min(radius, Math.hypot(along, across));
    }
    if (radius > 2.5) return 1 - radius;
    const scale = 2.4 / this.radius;
    return 1 - radius - 1.6 * this.#outline.irregularity * noise.fractal(x * scale, y * scale, 5);
  }

  /** 0 outside, 1 inside, fading over the outline's fuzziness. */
  inside(x: number, y: number): number {
    const half = this.#outline.fuzziness / 2;
    return smoothstep(-half, half, this.depth(x, y));
  }

  /** A random point at least `depth` below the border (to be met in a bounded number of tries, else the centre). */
  pointInside(depth: number, limit = 2): Point {
    const reach = 1.5 * this.radius;
    for (let attempt = 0; attempt < 60; attempt++) {
      const point = {
        x: this.centre.x + this.#random.between(-reach, reach),
        y: this.centre.y + this.#random.between(-reach, reach),
      };
      const here = this.depth(point.x, point.y);
      if (here >= depth && here <= limit) return point;
    }
    return this.centre;
  }
}
