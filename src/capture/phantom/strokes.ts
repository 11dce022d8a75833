/** Lines that lie over the skin, drawn by lot: hairs and the ticks of a ruler. In pixels of a frame of 600×450. */
import { HEIGHT, type Point, WIDTH } from './plane.ts';
import type { Random } from './random.ts';

export interface Stroke {
  readonly points: readonly Point[];
  /** At its first and at its last point. */
  readonly widths: readonly [number, number];
}

export interface Hair extends Stroke {
  readonly grey: boolean;
  /** Of melanin; 0 for a grey hair. */
  readonly pigment: number;
}

/** One to eighteen hairs that lie in about the same direction. */
export function drawHairs(random: Random): Hair[] {
  const count = random.chance(0.2) ? random.integer(10, 18) : random.integer(1, 6);
  const lie = random.between(0, 2 * Math.PI);
  return Array.from({ length: count }, () => {
    const start = { x: random.between(0, WIDTH), y: random.between(0, HEIGHT) };
    const width = random.between(1, 2.6);
    const points = arc(start, lie + random.between(-0.7, 0.7), random.between(90, 330), random);
    const grey = random.chance(0.2);
    return grey
      ? { points, widths: [width * 0.6, 0.6], grey, pigment: 0 }
      : { points, widths: [width, width * 0.5], grey, pigment: random.between(1.1, 2.2) };
  });
}

function arc(from: Point, direction: number, length: number, random: Random): Point[] {
  const bend = random.between(-0.07, 0.07);
  const points: Point[] = [from];
  let { x, y } = from;
  const steps = 28;
  for (let i = 0; i < steps; i++) {
    direction += bend + random.between(-0.03, 0.03);
    x += (Math.cos(direction) * length) / steps;
    y += (Math.sin(direction) * length) / steps;
    points.push({ x, y });
  }
  return points;
}

/** Ticks along the upper or the lower edge, a millimetre apart, each fifth longer. */
export function drawRulerTicks(random: Random): Stroke[] {
  const edge = random.chance(0.5) ? 6 : HEIGHT - 6;
  const inwards = edge === 6 ? 1 : -1;
  const tilt = random.between(-0.04, 0.04);
  const ticks: Stroke[] = [];
  for (let tick = 0; tick * 40 < WIDTH + 40; tick++) {
    const from = { x: tick * 40 - 20, y: edge + tilt * tick * 40 };
    const length = tick % 5 === 0 ? 30 : 16;
    const to = { x: from.x - tilt * length, y: from.y + inwards * length };
    ticks.push({ points: [from, to], widths: [2.2, 2.2] });
  }
  return ticks;
}
