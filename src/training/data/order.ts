import { seededRandom } from '../../random.ts';
import { shuffled } from '../protocol/shuffle.ts';
import { seedOf } from '../trainer/seed.ts';

/** One place in an epoch: an image, and how often it came before in that epoch. */
export interface Place {
  readonly index: number;
  readonly occurrence: number;
}

export interface OrderOptions {
  readonly seed: number;
  readonly shuffle: boolean;
  /** Relative frequency of each image, for drawing with replacement; null: every image once. */
  readonly weights: Float64Array | null;
}

/** Streams that must not coincide although seed and epoch do. */
const SHUFFLING = 1;
const SAMPLING = 2;

/** The images of an epoch, in order. It follows from the options and the epoch alone. */
export function orderOf(length: number, epoch: number, { seed, shuffle, weights }: OrderOptions): Place[] {
  if (weights !== null) return drawn(weights, seedOf(seed, SAMPLING, epoch));
  const places = Array.from({ length }, (_, index) => ({ index, occurrence: 0 }));
  return shuffle ? shuffled(places, seedOf(seed, SHUFFLING, epoch)) : places;
}

function drawn(weights: Float64Array, seed: number): Place[] {
  const random = seededRandom(seed);
  let total = 0;
  const ends = weights.map((weight) => (total += weight));
  const met = new Map<number, number>();
  return Array.from(weights, () => {
    const index = firstAbove(ends, random() * total);
    const occurrence = met.get(index) ?? 0;
    met.set(index, occurrence + 1);
    return { index, occurrence };
  });
}

/** First place of an ascending array whose value is above `value`. */
function firstAbove(ascending: Float64Array, value: number): number {
  let [low, high] = [0, ascending.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
