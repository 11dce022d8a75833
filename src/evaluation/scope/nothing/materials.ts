/** Surfaces that a dermoscope may be put on by mistake. */
import { smoothstep } from '../../../capture/phantom/noise.ts';
import type { Colour } from '../../../capture/phantom/tissue.ts';
import { colourBetween, type Dice, hashOf, lit, mixed, oneOf, type Scene, turned } from './scene.ts';

/** Plaster, painted; sometimes the corner of two walls. */
export function wall(dice: Dice): Scene {
  const { random, noise } = dice;
  const paint = colourBetween(dice, [150, 145, 130], [250, 250, 250]);
  const roughness = random.between(0.02, 0.16);
  const size = random.between(15, 90);
  const slope = random.between(-0.35, 0.35);
  const corner = random.chance(0.35) ? random.between(0.3, 1) : 2;
  return turned(dice, (x, y) => {
    const side = x > corner ? 0.78 : 1;
    return lit(paint, side * (0.95 + slope * (x - 0.66) + roughness * noise.fractal(x * size, y * size, 4)));
  });
}

/** A plain weave or a twill such as denim, with folds. */
export function cloth(dice: Dice): Scene {
  const { random, noise } = dice;
  const warp = colourBetween(dice, [20, 20, 30], [235, 225, 235]);
  const weft = random.chance(0.5) ? lit(warp, random.between(0.6, 1.2)) : ([225, 225, 230] as const);
  const threads = random.between(25, 110);
  const step = random.chance(0.5) ? 0 : random.between(0.2, 0.5);
  const folds = random.between(0, 0.35);
  return turned(dice, (x, y) => {
    const bend = 0.03 * noise.at(3 * x, 3 * y);
    const [u, v] = [(x + bend) * threads, (y - bend) * threads];
    const over = Math.sin(Math.PI * (u + step * v)) * Math.sin(Math.PI * v) > 0;
    const round = 0.75 + 0.25 * Math.abs(Math.sin(Math.PI * (over ? u : v)));
    const worn = 0.1 * noise.fractal(x * 12 + 40, y * 12, 3);
    return lit(over ? warp : weft, round * (1 + worn + folds * noise.at(x * 2.3, y * 2.3 + 20)));
  });
}

/** Boards with grain and now and then a knot. */
export function wood(dice: Dice): Scene {
  const { random, noise } = dice;
  const early = colourBetween(dice, [150, 105, 60], [235, 200, 155]);
  const late = lit(early, random.between(0.45, 0.8));
  const rings = random.between(8, 45);
  const stretch = random.between(0.05, 0.2);
  const board = random.between(0.2, 1.5);
  const knot = { x: random.between(0, 1.3), y: random.between(0, 1), size: random.between(0.02, 0.09) };
  return turned(dice, (x, y) => {
    const plank = Math.floor(y / board);
    const swirl = Math.exp(-((x - knot.x) ** 2 + (y - knot.y) ** 2) / (2 * knot.size ** 2));
    const wave = noise.fractal(x * 4 * stretch + 31 * plank, y * 4, 3) * 0.35 + swirl * 0.5;
    const phase = (y + wave) * rings;
    const ring = phase - Math.floor(phase);
    const pore = 0.12 * noise.at(x * 14, y * 180);
    const seam = y / board - plank < 0.02 ? 0.5 : 1;
    return lit(mixed(early, late, smoothstep(0.2, 0.95, ring)), seam * (1 + pore));
  });
}

/** Plain, ruled, squared or creased. */
export function paper(dice: Dice): Scene {
  const { random, noise } = dice;
  const sheet = colourBetween(dice, [205, 200, 175], [253, 253, 250]);
  const ink = oneOf<Colour>(dice, [
    [90, 120, 190],
    [190, 90, 100],
    [120, 120, 120],
  ]);
  const lines = random.chance(0.65) ? random.between(5, 22) : 0;
  const isSquared = random.chance(0.5);
  const crease = random.between(0, 0.25);
  return turned(dice, (x, y) => {
    const isRule = (position: number) => lines > 0 && position * lines - Math.floor(position * lines) < 0.06;
    const fibre = 0.03 * noise.fractal(x * 60, y * 60, 3);
    const fold = crease * Math.abs(noise.at(x * 3, y * 3 + 9));
    return lit(isRule(y) || (isSquared && isRule(x)) ? ink : sheet, 1 + fibre - fold);
  });
}

/** Rows of printed signs. */
export function text(dice: Dice): Scene {
  const { random, noise } = dice;
  const sheet = colourBetween(dice, [190, 190, 180], [252, 252, 252]);
  const isInverse = random.chance(0.2);
  const ink = colourBetween(dice, [5, 5, 5], [90, 70, 90]);
  const rows = random.between(5, 24);
  const salt = random.integer(0, 1e6);
  return turned(dice, (x, y) => {
    const line = Math.floor(y * rows);
    const place = x * rows * 1.7;
    const letter = Math.floor(place);
    const down = Math.floor((y * rows - line) * 8);
    const across = Math.floor((place - letter) * 4.4);
    const sign = hashOf(letter, line, salt);
    const isBlank = across > 3 || down > 5 || sign % 6 === 0;
    const isInked = !isBlank && ((hashOf(sign, down, salt) >> across) & 1) === 1;
    const shade = 1 + 0.03 * noise.fractal(x * 30, y * 30, 2);
    return lit(isInked !== isInverse ? ink : sheet, shade);
  });
}

/** Bricks or tiles and the joints between them. */
export function tiles(dice: Dice): Scene {
  const { random, noise } = dice;
  const glaze = colourBetween(dice, [120, 60, 45], [235, 225, 220]);
  const joint = colourBetween(dice, [120, 115, 105], [220, 215, 205]);
  const rows = random.between(2.5, 9);
  const long = random.between(1, 3);
  const shift = random.chance(0.5) ? 0.5 : 0;
  const width = random.between(0.03, 0.12);
  const salt = random.integer(0, 1e6);
  return turned(dice, (x, y) => {
    const row = Math.floor(y * rows);
    const place = (x * rows) / long + shift * (row & 1);
    const column = Math.floor(place);
    const rough = 1 + 0.18 * noise.fractal(x * 25, y * 25, 3);
    const isJoint = y * rows - row < width || (place - column) * long < width;
    if (isJoint) return lit(joint, rough);
    return lit(glaze, rough * (0.85 + (0.3 * hashOf(column, row, salt)) / 65_536));
  });
}

/** Brushed or scratched metal with a broad highlight. */
export function metal(dice: Dice): Scene {
  const { random, noise } = dice;
  const body = colourBetween(dice, [120, 118, 112], [205, 205, 212]);
  const brush = random.between(60, 250);
  const depth = random.between(0.08, 0.3);
  const shine = { at: random.between(0, 1), width: random.between(0.1, 0.5) };
  return turned(dice, (x, y) => {
    const scratch = depth * noise.fractal(x * 1.5, y * brush, 2);
    const glint = 0.45 * Math.exp(-(((y - shine.at) / shine.width) ** 2));
    return lit(body, 0.8 + scratch + glint);
  });
}

/** Sand, gravel or the pile of a carpet. */
export function grains(dice: Dice): Scene {
  const { random, noise } = dice;
  const ground = colourBetween(dice, [80, 70, 60], [225, 210, 190]);
  const other = colourBetween(dice, [40, 40, 40], [245, 240, 235]);
  const size = random.between(8, 60);
  return turned(dice, (x, y) => {
    const nearest = noise.cell(x * size, y * size);
    const kind = smoothstep(-0.2, 0.3, noise.at(x * size * 0.7 + 9, y * size * 0.7));
    return lit(mixed(ground, other, kind), 1.15 - 0.9 * nearest);
  });
}
