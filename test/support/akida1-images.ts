/** Images that try what a chip may get wrong: borders, extremes, and inputs of many kinds. */
import { elementCount, type IntegerGraph } from '../../src/model/graph.ts';
import { phantomInputs } from './phantoms.ts';
import { Random } from './random.ts';

type Pixels = (y: number, x: number, c: number) => number;

function drawn({ input: { shape } }: IntegerGraph, value: Pixels): Uint8Array {
  const [, width, channels] = shape;
  return Uint8Array.from({ length: elementCount(shape) }, (_, i) => {
    const pixel = Math.floor(i / channels);
    return value(Math.floor(pixel / width), pixel % width, i % channels);
  });
}

/** Noise, all 0, all 255, and edges that run every way: a border on each side, a checkerboard, one bright pixel. */
export function trialImages(graph: IntegerGraph, noise: number, seed = 1): Uint8Array[] {
  const random = new Random(seed);
  const size = elementCount(graph.input.shape);
  const [height, width] = graph.input.shape;
  return [
    ...Array.from({ length: noise }, () => random.bytes(size)),
    new Uint8Array(size),
    new Uint8Array(size).fill(255),
    drawn(graph, (y) => (y < height / 2 ? 0 : 255)),
    drawn(graph, (_, x) => (x < width / 2 ? 255 : 0)),
    drawn(graph, (y, x) => (y === 0 || x === 0 || y === height - 1 || x === width - 1 ? 255 : 0)),
    drawn(graph, (y, x, c) => ((y + x + c) % 2) * 255),
    drawn(graph, (y, x, c) => (y === 3 && x === width - 2 && c === 1 ? 255 : 0)),
  ];
}

/** A kind of image: given a source of numbers, the next one's pixels. */
const KINDS: Readonly<Record<string, (random: Random, side: number) => Pixels>> = {
  noise: (random) => () => random.integer(0, 255),
  dark: (random) => () => random.integer(0, 15),
  bright: (random) => () => random.integer(240, 255),
  blackAndWhite: (random) => () => (random.chance(0.5) ? 255 : 0),
  sparse: (random) => () => (random.chance(0.01) ? 255 : 0),
  uniform: (random) => {
    const colour = [0, 1, 2].map(() => random.integer(0, 255));
    return (_, __, c) => colour[c];
  },
  slope: (random, side) => {
    const [down, across, start] = [0, 1, 2].map(() => random.integer(-255, 255));
    return (y, x, c) => Math.min(255, Math.max(0, start + ((down * y + across * x) >> 5) + c * (side >> 3)));
  },
  edge: (random, side) => {
    const [down, across] = [random.integer(-8, 8), random.integer(-8, 8)];
    const [low, high] = [random.integer(0, 255), random.integer(0, 255)];
    const where = random.integer(-4 * side, 4 * side);
    return (y, x) => (down * (y - side / 2) + across * (x - side / 2) < where ? low : high);
  },
};

/** At least `count` images, as many of each kind, and phantoms. */
export function manyImages(graph: IntegerGraph, count: number, seed = 1): Uint8Array[] {
  const random = new Random(seed);
  const [side] = graph.input.shape;
  const each = Math.ceil(count / (Object.keys(KINDS).length + 1));
  const made = Object.values(KINDS).flatMap((kind) =>
    Array.from({ length: each }, () => drawn(graph, kind(random, side))),
  );
  return [...made, ...phantomInputs(each, side, seed)];
}
