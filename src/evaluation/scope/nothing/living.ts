/** Skin without a lesion, and other living things. */
import { Noise, smoothstep } from '../../../capture/phantom/noise.ts';
import { HEIGHT, type Plane, WIDTH } from '../../../capture/phantom/plane.ts';
import { Random } from '../../../capture/phantom/random.ts';
import {
  paintBubbles,
  paintHair,
  paintLight,
  paintSkin,
  pickSkin,
  sensorGrain,
} from '../../../capture/phantom/surroundings.ts';
import { type Colour, Tissue } from '../../../capture/phantom/tissue.ts';
import type { RgbFrame } from '../../../frame.ts';
import { colourBetween, type Dice, hashOf, lit, mixed, type Scene, turned } from './scene.ts';

/** Skin of any tone, as a camera sees it without a dermoscope. */
function skinTone(dice: Dice): Colour {
  return mixed([240, 200, 180], [90, 58, 42], dice.random.next() ** 1.3);
}

/** Distance from a point to a stroke between two others. */
function toStroke(x: number, y: number, ax: number, ay: number, bx: number, by: number): number {
  const [dx, dy] = [bx - ax, by - ay];
  const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

/** Fingers of a hand before something else, creases at the joints, nails on some. */
export function hand(dice: Dice): Scene {
  const { random, noise } = dice;
  const skin = skinTone(dice);
  const behind = colourBetween(dice, [10, 10, 10], [240, 240, 240]);
  const fingers = Array.from({ length: random.integer(1, 4) }, (_, i) => ({
    x: 0.2 + 0.3 * i + random.between(-0.06, 0.06),
    tip: random.between(0.05, 0.35),
    lean: random.between(-0.12, 0.12),
    radius: random.between(0.1, 0.15),
  }));
  const nailed = random.chance(0.6);
  return turned(dice, (x, y) => {
    let [depth, crease, nail] = [-1, 0, 0];
    for (const { x: base, tip, lean, radius } of fingers) {
      const inside = 1 - toStroke(x, y, base + lean, tip + radius, base, 1.4) / radius;
      if (inside <= depth) continue;
      depth = inside;
      const below = (y - tip) / radius;
      crease = Math.max(...[3.2, 6].map((joint) => Math.exp(-(((below - joint) / 0.12) ** 2))));
      nail = nailed && inside > 0.35 && below > 0.3 && below < 1.7 ? 1 : 0;
    }
    if (depth < 0) return lit(behind, 1 + 0.15 * noise.fractal(x * 8, y * 8, 3));
    const round = 0.55 + 0.45 * Math.sqrt(Math.min(1, 1.6 * depth));
    const lines = 0.06 * noise.fractal(x * 12, y * 90, 3) - 0.3 * crease;
    return lit(mixed(skin, [250, 215, 210], 0.6 * nail), round + lines);
  });
}

/** A face before something: eyes, brows, mouth, hair. */
export function face(dice: Dice): Scene {
  const { random, noise } = dice;
  const skin = skinTone(dice);
  const hair = colourBetween(dice, [15, 10, 8], [190, 150, 100]);
  const behind = colourBetween(dice, [20, 20, 20], [240, 240, 240]);
  const middle = { x: random.between(0.5, 0.85), y: random.between(0.45, 0.6) };
  const size = random.between(0.3, 0.55);
  const isSmile = random.chance(0.5);
  return (pixelX, pixelY) => {
    const [x, y] = [(pixelX - middle.x) / size, (pixelY - middle.y) / size];
    const head = Math.hypot(x / 0.75, y);
    const isHair =
      (head < 1.15 && y < -0.45 + 0.25 * noise.at(x * 3, 4)) || (head > 1 && head < 1.2 && y < 0.1);
    if (isHair) return lit(hair, 0.9 + 0.4 * noise.fractal(x * 20, y * 4, 2));
    if (head > 1) return lit(behind, 1 + 0.12 * noise.fractal(x * 4, y * 4, 3));
    const toEye = Math.hypot((Math.abs(x) - 0.3) / 0.15, (y + 0.15) / 0.07);
    const iris = Math.hypot(Math.abs(x) - 0.3, y + 0.15);
    if (toEye < 1) return iris < 0.065 ? [35, 25, 20] : [235, 230, 225];
    if (toStroke(Math.abs(x), y, 0.16, -0.36, 0.45, -0.33) < 0.035) return lit(hair, 0.8);
    const lips = Math.hypot(x / 0.27, (y - 0.52 - (isSmile ? -0.6 : 0.1) * x * x) / 0.07);
    if (lips < 1) return mixed(skin, [170, 60, 65], 0.7);
    const nose = 0.2 * Math.exp(-(((Math.abs(x) - 0.1) / 0.05) ** 2) - ((y - 0.2) / 0.25) ** 2);
    return lit(skin, 1.05 - 0.3 * head ** 3 - nose + 0.04 * noise.fractal(x * 15, y * 15, 3));
  };
}

/** Leaves over leaves, with their veins. */
export function foliage(dice: Dice): Scene {
  const { random, noise } = dice;
  const leaf = colourBetween(dice, [40, 90, 20], [150, 190, 90]);
  const size = random.between(2, 9);
  const salt = random.integer(0, 1e6);
  return turned(dice, (x, y) => {
    const bend = 0.4 * noise.at(x * size * 0.6, y * size * 0.6);
    const gap = noise.net(x * size + bend, y * size - bend);
    const which = hashOf(Math.floor(x * size + bend), Math.floor(y * size - bend), salt) / 65_536;
    const vein = smoothstep(0.06, 0, Math.abs(noise.at(x * size * 3, y * size * 3 + 7)));
    return lit(leaf, (0.35 + 0.5 * which) * smoothstep(0, 0.25, gap) + 0.3 * vein + 0.2);
  });
}

/** Skin under a dermoscope with nothing on it but pores, furrows, hair, bubbles: 600×450. */
export class BlankSkin {
  readonly #tissue = new Tissue();
  readonly #grain = sensorGrain(new Random(1));

  draw(seed: number): RgbFrame {
    const random = new Random(seed);
    const noise = new Noise(random);
    const tissue = this.#tissue;
    tissue.clear();
    const skin = mixed(pickSkin(random), [110, 75, 60], 0.8 * random.next() ** 2);
    paintSkin(tissue, noise, random);
    paintPores(tissue.melanin, noise, random);
    paintHair(tissue, random);
    paintBubbles(tissue, random);
    paintLight(tissue, random);
    const rgb = new Uint8Array(WIDTH * HEIGHT * 3);
    tissue.render(rgb, skin, skin, this.#grain);
    return { rgb, width: WIDTH, height: HEIGHT };
  }
}

function paintPores(melanin: Plane, noise: Noise, random: Random): void {
  const [size, depth] = [random.between(9, 26), random.between(0, 0.3)];
  melanin.addField(2, (x, y) => depth * smoothstep(0.25, 0, noise.cell(x / size, y / size)));
}
