/** From integer potentials to probabilities and a decision (specification §6, equations 17 and 18). */
import type { Readout } from '../../model/bundle/contract.ts';
import { INDETERMINATE } from './head.ts';

/**
 * p = softmax(α × potential); one value per class, summing to 1. Finite for every int32 and every α that a bundle may have.
 */
export function softmax(alpha: number, potentials: ArrayLike<number>): number[] {
  const values = Array.from(potentials, (potential) => alpha * potential);
  const largest = Math.max(...values);
  const exponentials = values.map((value) => Math.exp(value - largest));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return exponentials.map((value) => value / total);
}

/** Index of the largest value; the first of equals. */
export function largestIndex(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[largest]) largest = i;
  return largest;
}

/** The most probable class among those that reach their threshold, or `indeterminate`. */
export function decide(
  classes: readonly string[],
  probabilities: readonly number[],
  thresholds: readonly number[],
): string {
  const reaching = probabilities.map((p, c) => (p >= thresholds[c] ? p : -1));
  const winner = largestIndex(reaching);
  return reaching[winner] < 0 ? INDETERMINATE : classes[winner];
}

/** Whether an answer is so uncertain that the image is to be read again in tiles. */
export function isUncertain(probabilities: readonly number[], { tau }: Readout['tiling']): boolean {
  return Math.max(...probabilities) < tau;
}

/**
 * Mean potential of each class over several images, half rounded up: floor((2 × sum + n) / (2 × n)).
 * @param potentials int32, images × classes
 */
export function meanPotentials(potentials: Int32Array, classCount: number): Int32Array {
  const images = potentials.length / classCount;
  return Int32Array.from({ length: classCount }, (_, c) => {
    let sum = 0;
    for (let i = c; i < potentials.length; i += classCount) sum += potentials[i];
    return Math.floor((2 * sum + images) / (2 * images));
  });
}
