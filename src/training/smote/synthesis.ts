import { localDirections } from './local-directions.ts';
import type { Neighbours } from './neighbours.ts';
import { randomNormal } from './random-normal.ts';
import { type Rows, row } from './rows.ts';

/**
 * Where a synthetic vector came from: its anchor, its neighbour (indices into the class), how far between, how far aside.
 */
export interface Origin {
  readonly anchor: number;
  readonly neighbour: number;
  /** λ, 0…1. */
  readonly position: number;
  /** ε‖U_i η‖, Euclidean in the whitened space. */
  readonly perturbation: number;
}

export interface Synthesis {
  readonly rows: Rows;
  readonly origins: readonly Origin[];
}

/**
 * z̃ = z_i + λ(z_j − z_i) + ε·U_i η, λ ~ U(0, 1), η ~ N(0, I) (QANA, equation 4): from a safe anchor i, drawn with
 * replacement, towards one of its neighbours j, and a little aside in the directions in which the neighbourhood
 * itself extends.
 * @param rows whitened vectors of one class
 * @param anchors indices of the safe ones; without any, nothing can be synthesised
 * @param epsilon ε, 0 or more
 */
export function synthesise(
  rows: Rows,
  neighbours: Neighbours,
  anchors: Uint32Array,
  count: number,
  epsilon: number,
  random: () => number,
): Synthesis {
  const made = anchors.length === 0 ? 0 : count;
  const values = new Float32Array(made * rows.width);
  const normal = randomNormal(random);
  const directionsOf = remembering((anchor) => localDirections(rows, neighboursOf(neighbours, anchor)));
  const origins = Array.from({ length: made }, (_, n): Origin => {
    const anchor = anchors[Math.floor(random() * anchors.length)];
    const around = neighboursOf(neighbours, anchor);
    const neighbour = around[Math.floor(random() * around.length)];
    const position = random();
    const aside = combination(directionsOf(anchor), rows.width, () => epsilon * normal());
    const [from, to] = [row(rows, anchor), row(rows, neighbour)];
    for (let d = 0; d < rows.width; d++) {
      values[n * rows.width + d] = from[d] + position * (to[d] - from[d]) + aside[d];
    }
    return { anchor, neighbour, position, perturbation: Math.hypot(...aside) };
  });
  return { rows: { values, count: made, width: rows.width }, origins };
}

function neighboursOf({ indices, k }: Neighbours, vector: number): Uint32Array {
  return indices.subarray(vector * k, (vector + 1) * k);
}

function combination(directions: readonly Float64Array[], width: number, weight: () => number): Float64Array {
  const sum = new Float64Array(width);
  for (const direction of directions) {
    const factor = weight();
    for (let d = 0; d < width; d++) sum[d] += factor * direction[d];
  }
  return sum;
}

function remembering<Value>(compute: (key: number) => Value): (key: number) => Value {
  const known = new Map<number, Value>();
  return (key) => {
    const found = known.get(key) ?? compute(key);
    known.set(key, found);
    return found;
  };
}
