/**
 * From histograms to scales and zero points. The clipping range is the one with the least mean cube of the absolute error:
 * squares would clip rare large activations, on which the rare classes live (measured: docs/use/conversion.md).
 */
import type { Quantisation } from '../../model/graph.ts';
import { BINS, type Histogram } from './histogram.ts';

/** Largest value of eight bits. */
const LEVELS = 255;
/** Power of the error that the choice of range minimises. */
const ERROR_POWER = 3;
/** Scale of a tensor that is always zero. */
const SMALLEST_SCALE = 1e-6;
/** Shares of the observed range that are tried as clipping bounds. */
const SHARES: readonly number[] = Array.from({ length: 36 }, (_, i) => 1 - i * 0.02);

/** Affine quantisation of [minimum, maximum] ∋ 0 by 0…`levels`, zero exactly representable (equation 14). */
export function quantisationOf(minimum: number, maximum: number, levels = LEVELS): Quantisation {
  const low = Math.min(minimum, 0);
  const high = Math.max(maximum, 0);
  if (low === 0) return { scale: Math.max(high / levels, SMALLEST_SCALE), zeroPoint: 0 };
  const zeroPoint = Math.round((-low / (high - low)) * levels);
  // The zero point is rounded; the scale grows until both ends are still inside.
  const scale = Math.max(
    zeroPoint > 0 ? -low / zeroPoint : 0,
    zeroPoint < levels ? high / (levels - zeroPoint) : 0,
  );
  return { scale: Math.max(scale, SMALLEST_SCALE), zeroPoint };
}

/**
 * The best quantisation of what a histogram holds. `seen` is what becomes of a value before its error counts:
 * the sigmoid where nothing but a sigmoid reads the tensor.
 */
export function bestQuantisation(
  histogram: Histogram,
  seen: (value: number) => number = (value) => value,
  levels = LEVELS,
): Quantisation {
  const values = Float64Array.from({ length: BINS }, (_, bin) => histogram.valueAt(bin));
  const targets = values.map(seen);
  const cost = (low: number, high: number) => {
    const quantisation = quantisationOf(histogram.minimum * low, histogram.maximum * high, levels);
    return totalError(histogram.counts, values, targets, quantisation, seen, levels);
  };
  let [low, high] = [1, 1];
  for (let round = 0; round < 3; round++) {
    high = histogram.maximum > 0 ? argmin(SHARES, (share) => cost(low, share)) : high;
    low = histogram.minimum < 0 ? argmin(SHARES, (share) => cost(share, high)) : low;
  }
  return quantisationOf(histogram.minimum * low, histogram.maximum * high, levels);
}

function totalError(
  counts: Float64Array,
  values: Float64Array,
  targets: Float64Array,
  { scale, zeroPoint }: Quantisation,
  seen: (value: number) => number,
  levels: number,
): number {
  const reals = Float64Array.from({ length: levels + 1 }, (_, q) => seen((q - zeroPoint) * scale));
  let error = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    if (counts[bin] === 0) continue;
    const q = Math.min(Math.max(Math.round(values[bin] / scale) + zeroPoint, 0), levels);
    error += counts[bin] * Math.abs(targets[bin] - reals[q]) ** ERROR_POWER;
  }
  return error;
}

function argmin(candidates: readonly number[], cost: (candidate: number) => number): number {
  let best = candidates[0];
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const value = cost(candidate);
    if (value < least) [best, least] = [candidate, value];
  }
  return best;
}
