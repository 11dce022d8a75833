/** What a drawn frame of nothing is made of: a colour for every point, seen through a camera. */
import { Noise } from '../../../capture/phantom/noise.ts';
import { Random } from '../../../capture/phantom/random.ts';
import type { Colour } from '../../../capture/phantom/tissue.ts';
import type { RgbFrame } from '../../../frame.ts';

const WIDTH = 320;
const HEIGHT = 240;

/** Colour of a point; x 0…4/3 from the left and y 0…1 from the top, in heights of the frame. */
export type Scene = (x: number, y: number) => Colour;

/** What a scene is drawn from. */
export interface Dice {
  readonly random: Random;
  readonly noise: Noise;
}

export function diceOf(seed: number): Dice {
  const random = new Random(seed);
  return { random, noise: new Noise(random) };
}

/** One of several, each as likely. */
export function oneOf<T>({ random }: Dice, choices: readonly T[]): T {
  return choices[random.integer(0, choices.length - 1)];
}

/** A colour of each channel's own range. */
export function colourBetween({ random }: Dice, low: Colour, high: Colour): Colour {
  const [red, green, blue] = low.map((from, channel) => random.between(from, high[channel]));
  return [red, green, blue];
}

/** `share` 0: the first colour; 1: the second. */
export function mixed(from: Colour, to: Colour, share: number): Colour {
  return [
    from[0] + (to[0] - from[0]) * share,
    from[1] + (to[1] - from[1]) * share,
    from[2] + (to[2] - from[2]) * share,
  ];
}

/** Brighter above 1, darker below. */
export function lit(colour: Colour, light: number): Colour {
  return [colour[0] * light, colour[1] * light, colour[2] * light];
}

/** The scene turned by an angle and seen from another distance, about the middle of the frame. */
export function turned({ random }: Dice, scene: Scene, nearest = 0.7, farthest = 1.4): Scene {
  const angle = random.between(-Math.PI, Math.PI);
  const distance = random.between(nearest, farthest);
  const [cosine, sine] = [Math.cos(angle) * distance, Math.sin(angle) * distance];
  return (x, y) => {
    const [dx, dy] = [x - 2 / 3, y - 0.5];
    return scene(2 / 3 + dx * cosine - dy * sine, 0.5 + dx * sine + dy * cosine);
  };
}

/** A whole number 0…65,535 that belongs to a cell of a grid. */
export function hashOf(column: number, row: number, salt: number): number {
  let hash = Math.imul(column + 0x9e37, 0x85eb_ca6b) ^ Math.imul(row + salt, 0xc2b2_ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d);
  return (hash ^ (hash >>> 13)) & 0xffff;
}

/** The scene as a camera sees it, 320×240: light that falls off, a white balance, sensor noise. */
export function photographed({ random }: Dice, scene: Scene): RgbFrame {
  const falloff = random.between(0, 0.35);
  const balance = [random.between(0.92, 1.08), random.between(0.95, 1.05), random.between(0.92, 1.08)];
  const grain = random.between(1, 9);
  const rgb = new Uint8ClampedArray(WIDTH * HEIGHT * 3);
  for (let row = 0, at = 0; row < HEIGHT; row++) {
    for (let column = 0; column < WIDTH; column++) {
      const [x, y] = [(column + 0.5) / HEIGHT, (row + 0.5) / HEIGHT];
      const colour = scene(x, y);
      const light = 1 - falloff * ((x - 2 / 3) ** 2 + (y - 0.5) ** 2) * 1.44;
      for (const [channel, value] of colour.entries()) {
        rgb[at++] = value * light * balance[channel] + grain * (random.next() + random.next() - 1);
      }
    }
  }
  return { rgb: new Uint8Array(rgb.buffer), width: WIDTH, height: HEIGHT };
}
