/** What no lens ever saw: noise, patterns, screens, pictures whose colours are wrong. */
import { PhantomPainter } from '../../../capture/phantom/draw.ts';
import type { Colour } from '../../../capture/phantom/tissue.ts';
import type { RgbFrame } from '../../../frame.ts';
import { colourBetween, type Dice, hashOf, lit, mixed, oneOf, type Scene, turned } from './scene.ts';

/** Every pixel for itself, in blocks, or clouds of colour. */
export function noisePattern(dice: Dice): Scene {
  const { random, noise } = dice;
  const salt = random.integer(0, 1e6);
  const isGrey = random.chance(0.4);
  const cells = oneOf(dice, [240, 120, 40, 12]);
  const [centre, reach] = [random.between(90, 165), random.between(50, 127)];
  const isCloudy = random.chance(0.3);
  const size = random.between(3, 30);
  const shade = (x: number, y: number, channel: number): number => {
    if (isCloudy) return 1.6 * noise.fractal(x * size + 50 * channel, y * size, 5);
    return hashOf(Math.floor(x * cells), Math.floor(y * cells), salt + 7919 * channel) / 32_768 - 1;
  };
  return (x, y) => {
    const [red, green, blue] = [0, 1, 2].map((channel) => centre + reach * shade(x, y, isGrey ? 0 : channel));
    return [red, green, blue];
  };
}

/** Gradients, stripes, squares, bars of a test card. */
export function pattern(dice: Dice): Scene {
  const { random } = dice;
  const first = colourBetween(dice, [0, 0, 0], [255, 255, 255]);
  const second = colourBetween(dice, [0, 0, 0], [255, 255, 255]);
  const count = random.between(2, 40);
  const phase = (value: number) => value * count - Math.floor(value * count);
  const bars: readonly Colour[] = [0, 1, 2, 3, 4, 5, 6].map((i) => [
    (i & 2) === 0 ? 220 : 20,
    (i & 4) === 0 ? 220 : 20,
    (i & 1) === 0 ? 220 : 20,
  ]);
  const share = oneOf<Scene>(dice, [
    (x) => mixed(first, second, x / 1.34),
    (x, y) => mixed(first, second, Math.min(1, Math.hypot(x - 0.66, y - 0.5) / 0.8)),
    (x) => mixed(first, second, 0.5 + 0.5 * Math.sin(2 * Math.PI * x * count)),
    (x) => (phase(x) < 0.5 ? first : second),
    (x, y) => (phase(x) < 0.5 !== phase(y) < 0.5 ? first : second),
    (x) => bars[Math.min(6, Math.max(0, Math.floor((x / 1.34) * 7)))],
  ]);
  return random.chance(0.5) ? turned(dice, share) : share;
}

/** Windows and lines of a screen, close enough that its points of red, green and blue show. */
export function screen(dice: Dice): Scene {
  const { random } = dice;
  const salt = random.integer(0, 1e6);
  const desktop = colourBetween(dice, [10, 10, 20], [120, 160, 230]);
  const windows = Array.from({ length: random.integer(1, 5) }, () => ({
    ...{ x: random.between(-0.2, 1), y: random.between(-0.2, 0.8) },
    ...{ width: random.between(0.3, 1), height: random.between(0.2, 0.8) },
    colour: colourBetween(dice, [30, 30, 30], [255, 255, 255]),
  }));
  const points = random.between(60, 240);
  const depth = random.between(0.2, 0.8);
  return turned(dice, (x, y) => {
    const above = windows.findLast(
      (window) => x > window.x && x < window.x + window.width && y > window.y && y < window.y + window.height,
    );
    const isLine = above !== undefined && (y - above.y) * 30 - Math.floor((y - above.y) * 30) < 0.4;
    const isInk = isLine && hashOf(Math.floor(x * 40), Math.floor((y - above.y) * 30), salt) > 20_000;
    const colour = above === undefined ? desktop : isInk ? lit(above.colour, 0.3) : above.colour;
    const column = Math.floor((x * points - Math.floor(x * points)) * 3);
    const [red, green, blue] = colour.map((value, channel) => value * (channel === column ? 1 : 1 - depth));
    return [red, green, blue];
  });
}

/** Clouds in a sky. */
export function sky(dice: Dice): Scene {
  const { random, noise } = dice;
  const zenith = colourBetween(dice, [40, 90, 160], [120, 170, 240]);
  const size = random.between(1.5, 6);
  const cover = random.between(-0.3, 0.5);
  return (x, y) => {
    const cloud = Math.min(1, Math.max(0, cover + 1.3 * noise.fractal(x * size, y * size * 1.6, 5)));
    return mixed(mixed(zenith, [210, 225, 240], 0.6 * y), [245, 245, 245], cloud);
  };
}

/** Phantoms whose colours are wrong: turned into their negative, or with channels that changed places. */
export class WrongColours {
  readonly #painter = new PhantomPainter();

  negative(seed: number): RgbFrame {
    const { frame } = this.#painter.draw(seed);
    return { ...frame, rgb: frame.rgb.map((value) => 255 - value) };
  }

  swapped(seed: number): RgbFrame {
    const { frame } = this.#painter.draw(seed);
    const order = [
      [2, 1, 0],
      [1, 2, 0],
      [1, 0, 2],
    ][seed % 3];
    return { ...frame, rgb: frame.rgb.map((_, at) => frame.rgb[at - (at % 3) + order[at % 3]]) };
  }
}
