/** Golden inputs: generated patterns, from smooth to noisy, with the potentials that the reference interpreter computes. */
import type { GoldenCase } from '../model/bundle/bundle.ts';
import { elementCount, type IntegerGraph, type Shape } from '../model/graph.ts';
import { interpret } from '../model/interpreter/interpreter.ts';

/** Cells along a side of each pattern's random grid; the last has one cell per pixel. */
const GRIDS: readonly number[] = [2, 5, 16, Number.POSITIVE_INFINITY];

export function goldenCases(graph: IntegerGraph): GoldenCase[] {
  return goldenInputs(graph).map((input) => ({ input, potentials: interpret(graph, input).potentials }));
}

export function goldenInputs({ input: { shape } }: IntegerGraph): Uint8Array[] {
  return GRIDS.map((cells, index) => pattern(shape, cells, index + 1));
}

/** Random values on a grid of `cells` × `cells`, bilinear between them; uint8 of `shape`. */
export function pattern(shape: Shape, cells: number, seed: number): Uint8Array {
  const [height, width, channels] = shape;
  const random = generator(seed);
  const rows = Math.min(cells, height);
  const columns = Math.min(cells, width);
  const grid = Float64Array.from({ length: (rows + 1) * (columns + 1) * channels }, () => random() * 256);
  const output = new Uint8Array(elementCount(shape));
  for (let i = 0; i < output.length; i++) {
    const channel = i % channels;
    const pixel = Math.floor(i / channels);
    const y = (Math.floor(pixel / width) * rows) / height;
    const x = ((pixel % width) * columns) / width;
    const at = (row: number, column: number) => grid[(row * (columns + 1) + column) * channels + channel];
    const [top, left] = [Math.floor(y), Math.floor(x)];
    const upper = at(top, left) + (at(top, left + 1) - at(top, left)) * (x - left);
    const lower = at(top + 1, left) + (at(top + 1, left + 1) - at(top + 1, left)) * (x - left);
    output[i] = Math.floor(upper + (lower - upper) * (y - top));
  }
  return output;
}

/** Numbers in 0…1 (exclusive), the same on every machine. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // The low bits of such a generator repeat early.
    return (state >>> 8) / 2 ** 24;
  };
}
