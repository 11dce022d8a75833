/** The structures that dermoscopists name, drawn into the tissue's layers. Lengths in pixels, 40 to the millimetre. */
import type { Lesion } from './lesion.ts';
import { type Noise, smoothstep } from './noise.ts';
import type { Plane, Point } from './plane.ts';
import type { Random } from './random.ts';
import type { Tissue } from './tissue.ts';

export interface Drawing {
  readonly tissue: Tissue;
  readonly lesion: Lesion;
  readonly noise: Noise;
  readonly random: Random;
}

/** Pigment over the whole lesion: an even part and a patchy part, darker or lighter towards the middle. */
export function pigment(
  { lesion, noise }: Drawing,
  plane: Plane,
  { even, patchy, centre, scale = 60 }: { even: number; patchy: number; centre: number; scale?: number },
): void {
  plane.addField(2, (x, y) => {
    const inside = lesion.inside(x, y);
    if (inside === 0) return 0;
    const patch = smoothstep(-0.35, 0.55, noise.fractal(x / scale + 40, y / scale, 4));
    return inside * (even + patchy * patch + centre * Math.max(0, lesion.depth(x, y)));
  });
}

/** A net of brown lines around paler holes; `from`…`to` is the depth at which it shows. */
export function pigmentNetwork(
  { tissue, lesion, noise }: Drawing,
  { mesh, amount, from, to }: { mesh: number; amount: number; from: number; to: number },
): void {
  tissue.melanin.addField(2, (x, y) => {
    const depth = lesion.depth(x, y);
    if (depth < from - 0.15 || depth > to + 0.2) return 0;
    const shown = smoothstep(from - 0.15, from + 0.1, depth) * smoothstep(to + 0.2, to, depth);
    const bend = 0.35 * noise.at(x / 30, y / 30);
    const gap = noise.net(x / mesh + bend, y / mesh - bend);
    const strength = 0.55 + 0.9 * noise.at(x / 70 + 9, y / 70);
    return shown * amount * strength * (smoothstep(0.32, 0.05, gap) - 0.25);
  });
}

/** Round brown or black clods. */
export function globules(
  { tissue, lesion, random }: Drawing,
  {
    count,
    radius,
    amount,
    depth,
  }: { count: number; radius: readonly [number, number]; amount: number; depth: number },
): void {
  for (let i = 0; i < count; i++) {
    const size = random.between(...radius);
    tissue.melanin.addDisc(lesion.pointInside(depth), size, 0.6, amount * random.between(0.6, 1.2));
  }
}

/** Dark lines running outwards over the border. */
export function streaks({ tissue, lesion, random }: Drawing, count: number, amount: number): void {
  for (let i = 0; i < count; i++) {
    const start = lesion.pointInside(0.02, 0.15);
    const outwards = Math.atan2(start.y - lesion.centre.y, start.x - lesion.centre.x);
    const direction = outwards + random.between(-0.25, 0.25);
    const length = random.between(10, 26);
    const points = walk(start, direction, length, 6, 0.12, random);
    tissue.melanin.addStroke(points, [random.between(3, 6), 2], amount * random.between(0.6, 1));
  }
}

/** Confluent blue-white haze over part of the lesion. */
export function blueWhiteVeil({ tissue, lesion, noise }: Drawing, amount: number): void {
  tissue.veil.addField(3, (x, y) => {
    const inside = smoothstep(0.1, 0.45, lesion.depth(x, y));
    return inside * amount * smoothstep(-0.05, 0.45, noise.fractal(x / 90 + 3, y / 90 + 80, 3));
  });
}

/** Blue-grey ovoid nests. */
export function ovoidNests({ tissue, lesion, random }: Drawing, count: number): void {
  for (let i = 0; i < count; i++) {
    const centre = lesion.pointInside(0.15);
    const radius = random.between(4, 13);
    for (let part = 0; part < 3; part++) {
      const at = { x: centre.x + random.between(-4, 4), y: centre.y + random.between(-4, 4) };
      tissue.melanin.addDisc(at, radius * random.between(0.6, 1), 0.8, 0.4);
      tissue.veil.addDisc(at, radius, 0.8, 0.16);
    }
  }
}

/** Branching vessels in focus, thick at the stem. */
export function arborisingVessels({ tissue, lesion, random }: Drawing, stems: number, amount: number): void {
  const branch = (from: Point, direction: number, length: number, width: number, level: number): void => {
    const points = walk(from, direction, length, 10, 0.3, random);
    tissue.blood.addStroke(points, [width, width * 0.7], amount);
    if (level === 0) return;
    for (let i = 0; i < 2; i++) {
      const start = points[random.integer(4, points.length - 1)];
      const turn = random.between(0.35, 0.9) * (i === 0 ? 1 : -1);
      branch(start, direction + turn, length * random.between(0.5, 0.75), width * 0.65, level - 1);
    }
  };
  for (let i = 0; i < stems; i++) {
    const start = lesion.pointInside(-0.1, 0.3);
    const inwards = Math.atan2(lesion.centre.y - start.y, lesion.centre.x - start.x);
    branch(start, inwards + random.between(-0.6, 0.6), lesion.radius * random.between(0.5, 0.9), 3.2, 3);
  }
}

/** Round red to purple blood lakes, some of them thrombosed to black. */
export function lacunae({ tissue, lesion, random }: Drawing, count: number): void {
  for (let i = 0; i < count; i++) {
    const at = lesion.pointInside(0.04);
    const radius = random.between(9, 26);
    tissue.blood.addDisc(at, radius, 0.35, random.between(0.35, 0.85));
    if (random.chance(0.25)) tissue.melanin.addDisc(at, radius * 0.8, 0.6, random.between(0.2, 0.7));
  }
}

/** Keratin: white dots (milia-like cysts) and brown plugs (comedo-like openings). */
export function keratin({ tissue, lesion, random }: Drawing, cysts: number, openings: number): void {
  for (let i = 0; i < cysts; i++) {
    tissue.white.addDisc(lesion.pointInside(0.1), random.between(2, 5), 0.8, random.between(0.3, 0.6));
  }
  for (let i = 0; i < openings; i++) {
    tissue.melanin.addDisc(lesion.pointInside(0.1), random.between(3, 6.5), 0.5, random.between(0.7, 1.3));
  }
}

/** Winding furrows between ridges. */
export function furrows({ tissue, lesion, noise }: Drawing, amount: number): void {
  tissue.melanin.addField(2, (x, y) => {
    const inside = lesion.inside(x, y);
    if (inside === 0) return 0;
    return inside * amount * smoothstep(0.09, 0, Math.abs(noise.fractal(x / 42, y / 42 + 200, 2)));
  });
}

/** A white star of scar in the middle. */
export function centralScar({ tissue, lesion, noise, random }: Drawing): void {
  const size = lesion.radius * random.between(0.35, 0.5);
  tissue.white.addField(2, (x, y) => {
    const distance = Math.hypot(x - lesion.centre.x, y - lesion.centre.y) / size;
    return distance > 1.6
      ? 0
      : 0.45 * smoothstep(1.4, 0.3, distance + 0.7 * noise.fractal(x / 22, y / 22, 3));
  });
  for (let i = 0; i < 26; i++) {
    const direction = random.between(0, 2 * Math.PI);
    const start = {
      x: lesion.centre.x + random.between(-0.25, 0.25) * size,
      y: lesion.centre.y + random.between(-0.25, 0.25) * size,
    };
    const points = walk(start, direction, size * random.between(0.5, 1.3), 8, 0.25, random);
    tissue.white.addStroke(points, [2.2, 1], random.between(0.12, 0.3));
  }
}

/** Red background around pale follicles: the strawberry pattern. */
export function strawberryPattern({ tissue, lesion, noise }: Drawing, amount: number): void {
  tissue.blood.addField(2, (x, y) => {
    const inside = lesion.inside(x, y);
    if (inside === 0) return 0;
    const bend = noise.at(x / 40 + 30, y / 40);
    const nearest = noise.cell(x / 21 + bend, y / 21 - bend);
    return inside * amount * smoothstep(0.05, 0.6, nearest) * (0.8 + noise.at(x / 60, y / 60));
  });
}

/** Flakes of scale. */
export function scale({ tissue, lesion, noise }: Drawing, amount: number): void {
  tissue.white.addField(2, (x, y) => {
    const inside = lesion.inside(x, y);
    if (inside === 0) return 0;
    return inside * amount * smoothstep(0.28, 0.5, noise.fractal(x / 26 + 70, y / 26, 4));
  });
}

/** A wavering line: `steps` segments over `length` pixels, turning up to `waver` radians at each. */
export function walk(
  from: Point,
  direction: number,
  length: number,
  steps: number,
  waver: number,
  random: Random,
): Point[] {
  const points: Point[] = [from];
  let { x, y } = from;
  for (let i = 0; i < steps; i++) {
    direction += random.between(-waver, waver);
    x += (Math.cos(direction) * length) / steps;
    y += (Math.sin(direction) * length) / steps;
    points.push({ x, y });
  }
  return points;
}
