/**
 * What a head makes of an embedding of which only the sums over its places are known. A head that weighs the places of a
 * channel alike, or an embedding of one place, needs no more: then the potentials are exact. Of any other head they are
 * known within bounds, and about.
 */
import { embeddingShape } from './embedding.ts';
import { type IntegerGraph, tensorsOf } from './graph.ts';

/** The weights of a head by class, channel and place, and what is said of the embedding. */
interface Layout {
  readonly places: number;
  readonly channels: number;
  readonly zeroPoint: number;
  weight(c: number, place: number, k: number): number;
}

function layoutOf(graph: IntegerGraph): Layout {
  const [rows, columns, channels] = embeddingShape(graph);
  const places = rows * columns;
  const { weights, input } = graph.head;
  const zeroPoint = tensorsOf(graph).get(input)?.quantisation.zeroPoint ?? 0;
  const weight = (c: number, place: number, k: number) => weights[(c * places + place) * channels + k];
  return { places, channels, zeroPoint, weight };
}

/** The factory head's potentials of a case, int32, from those that the head before it made. */
export type MovedPotentials = (before: Int32Array, pooled: Int16Array) => Int32Array;

/**
 * How potentials change from one head to another over the same embedding. Exact, where the difference of the two heads
 * weighs the places of each channel alike: so always for an embedding of one place, and for any other where the head is the
 * same but for its biases.
 * @returns null where the sums do not tell
 */
export function movedPotentials(from: IntegerGraph, to: IntegerGraph): MovedPotentials | null {
  const [old, fresh] = [layoutOf(from), layoutOf(to)];
  const { places, channels, zeroPoint } = fresh;
  const rows: { readonly old: number; readonly bias: number; readonly weights: Int32Array }[] = [];
  for (const [c, name] of to.classes.entries()) {
    const before = from.classes.indexOf(name);
    const change = (place: number, k: number) =>
      fresh.weight(c, place, k) - (before < 0 ? 0 : old.weight(before, place, k));
    const weights = Int32Array.from({ length: channels }, (_, k) => change(0, k));
    for (let place = 1; place < places; place++) {
      if (weights.some((weight, k) => change(place, k) !== weight)) return null;
    }
    const bias = to.head.bias[c] - (before < 0 ? 0 : from.head.bias[before]);
    rows.push({ old: before, bias, weights });
  }
  return (before, pooled) =>
    Int32Array.from(rows, ({ old: c, bias, weights }) => {
      const sum = weights.reduce((total, weight, k) => total + weight * (pooled[k] - places * zeroPoint), 0);
      return (c < 0 ? 0 : before[c]) + bias + sum;
    });
}

/** What a head makes of a case of which the sums are known. */
export interface PooledPotential {
  /** No arrangement of the sums over the places gives less, or more. */
  readonly least: number;
  readonly most: number;
  /** Of sums that are spread evenly over the places. */
  readonly even: number;
}

/** For each class. @param pooled sum of each channel over the places of the embedding */
export function pooledPotentials(graph: IntegerGraph): (pooled: Int16Array) => PooledPotential[] {
  const { places, channels, zeroPoint, weight } = layoutOf(graph);
  const rows = graph.classes.map((_, c) =>
    Array.from({ length: channels }, (__, k) => {
      const rising = Float64Array.from({ length: places }, (___, place) => weight(c, place, k)).sort();
      const sum = rising.reduce((total, each) => total + each, 0);
      return { rising, falling: rising.toReversed(), sum };
    }),
  );
  return (pooled) =>
    rows.map((row, c) => {
      const bias = graph.head.bias[c];
      const potential = { least: bias, most: bias, even: bias };
      for (const [k, { rising, falling, sum }] of row.entries()) {
        potential.least += filled(rising, pooled[k]) - zeroPoint * sum;
        potential.most += filled(falling, pooled[k]) - zeroPoint * sum;
        potential.even += (sum * pooled[k]) / places - zeroPoint * sum;
      }
      return potential;
    });
}

/** Where a sum goes as far as it can to the places that come first, at most 255 to each. */
function filled(weights: Float64Array, sum: number): number {
  let [rest, total] = [sum, 0];
  for (const weight of weights) {
    const here = Math.min(255, rest);
    total += weight * here;
    rest -= here;
    if (rest === 0) break;
  }
  return total;
}
