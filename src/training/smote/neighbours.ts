import { type Rows, row } from './rows.ts';

/** The nearest neighbours of every vector among the others, nearest first; equals in the order of their indices. */
export interface Neighbours {
  /** Neighbours per vector: the smaller of the k asked for and the number of other vectors. */
  readonly k: number;
  /** count × k. */
  readonly indices: Uint32Array;
  /** Euclidean, count × k. */
  readonly distances: Float64Array;
}

/**
 * Exact k nearest neighbours. A candidate is dropped as soon as part of its distance exceeds the k-th best; that
 * changes no result.
 */
export function nearestNeighbours(rows: Rows, wanted: number): Neighbours {
  const { count } = rows;
  const k = Math.min(wanted, Math.max(0, count - 1));
  const indices = new Uint32Array(count * k);
  const distances = new Float64Array(count * k);
  if (k === 0) return { k, indices, distances };
  const best = new Float64Array(k);
  const who = new Uint32Array(k);
  for (let i = 0; i < count; i++) {
    best.fill(Number.POSITIVE_INFINITY);
    const from = row(rows, i);
    for (let j = 0; j < count; j++) {
      if (j === i) continue;
      const squared = squaredDistanceBelow(from, row(rows, j), best[k - 1]);
      if (squared < best[k - 1]) insert(best, who, squared, j);
    }
    indices.set(who, i * k);
    for (let n = 0; n < k; n++) distances[i * k + n] = Math.sqrt(best[n]);
  }
  return { k, indices, distances };
}

/** Values summed between two looks at the bound. */
const STRIDE = 16;

/** Squared distance, or anything not below `bound` once it is certain not to be below. */
function squaredDistanceBelow(a: Float32Array, b: Float32Array, bound: number): number {
  let sum = 0;
  for (let start = 0; start < a.length && sum < bound; start += STRIDE) {
    const end = Math.min(a.length, start + STRIDE);
    for (let n = start; n < end; n++) {
      const difference = a[n] - b[n];
      sum += difference * difference;
    }
  }
  return sum;
}

function insert(best: Float64Array, who: Uint32Array, squared: number, index: number): void {
  let place = best.length - 1;
  for (; place > 0 && best[place - 1] > squared; place--) {
    best[place] = best[place - 1];
    who[place] = who[place - 1];
  }
  best[place] = squared;
  who[place] = index;
}

/** The definition: all distances, sorted. Judges `nearestNeighbours`. */
export function nearestNeighboursBySorting(rows: Rows, wanted: number): Neighbours {
  const k = Math.min(wanted, Math.max(0, rows.count - 1));
  const found = Array.from({ length: rows.count }, (_, i) =>
    Array.from({ length: rows.count }, (_, j) => ({
      j,
      distance: distanceBetween(row(rows, i), row(rows, j)),
    }))
      .filter(({ j }) => j !== i)
      .sort((a, b) => a.distance - b.distance || a.j - b.j)
      .slice(0, k),
  ).flat();
  return {
    k,
    indices: Uint32Array.from(found, ({ j }) => j),
    distances: Float64Array.from(found, ({ distance }) => distance),
  };
}

function distanceBetween(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, value, n) => sum + (value - b[n]) ** 2, 0));
}
