/** Real weights and biases → int8, int32 and fixed-point factors. */
import type { Clamp, Quantisation, Requantisation } from '../../model/graph.ts';
import { ACCUMULATOR_LIMIT, clip, type FixedPoint, factorOf, fixedPointFor } from '../../model/requantise.ts';
import type { FloatClamp } from '../float/graph.ts';

export type WeightScheme = 'per-tensor' | 'per-channel';

/** Largest |weight| of eight bits; see `weightLimit`. */
const WEIGHT_LIMIT = 127;
/** Smallest useful factor: below it a weight step is finer than the accumulator can use. */
const SMALLEST_FACTOR = 2 ** -20;
/** Largest |bias|, well inside `ACCUMULATOR_LIMIT`. */
const BIAS_LIMIT = 2 ** 28;

export interface QuantisedWeights {
  readonly weights: Int8Array;
  /** Real value of one weight step, per output. */
  readonly scales: Float64Array;
}

/** Scale of each output's weights before any fitting to the fixed-point form. */
export function weightScales(
  weights: Float64Array,
  bias: Float64Array,
  scheme: WeightScheme,
  input: Quantisation,
  output: Quantisation,
  limit = WEIGHT_LIMIT,
): Float64Array {
  const perOutput = weights.length / bias.length;
  const scales = smallestScales(weights, bias, input, output, limit).map((least, o) =>
    Math.max(least, largestMagnitude(weights, o * perOutput, (o + 1) * perOutput) / limit),
  );
  return scheme === 'per-channel'
    ? scales
    : scales.fill(scales.reduce((most, scale) => Math.max(most, scale), 0));
}

/** Scales below which factors, biases or sums would leave their fixed-point types. */
export function smallestScales(
  weights: Float64Array,
  bias: Float64Array,
  input: Quantisation,
  output: Quantisation,
  limit = WEIGHT_LIMIT,
): Float64Array {
  const perOutput = weights.length / bias.length;
  return bias.map((value, o) =>
    Math.max(
      (SMALLEST_FACTOR * output.scale) / input.scale,
      Math.abs(value) / (input.scale * BIAS_LIMIT),
      (largestMagnitude(weights, o * perOutput, (o + 1) * perOutput) * perOutput * 255) /
        (limit * ACCUMULATOR_LIMIT),
    ),
  );
}

function largestMagnitude(values: Float64Array, start: number, end: number): number {
  let largest = 0;
  for (let i = start; i < end; i++) largest = Math.max(largest, Math.abs(values[i]));
  return largest;
}

/** Nearest steps of −`limit`…`limit`. */
export function quantiseWeights(
  weights: Float64Array,
  scales: Float64Array,
  limit = WEIGHT_LIMIT,
): Int8Array {
  const perOutput = weights.length / scales.length;
  return Int8Array.from(weights, (weight, i) =>
    clip(Math.round(weight / scales[Math.floor(i / perOutput)]), -limit, limit),
  );
}

/**
 * The fixed-point factor of each output, and the weight scales moved by at most 2^−11 so that the factor is exact.
 * @throws RangeError where a factor is 1 or more: the output's scale is too fine
 */
export function fitScales(
  scales: Float64Array,
  input: Quantisation,
  output: Quantisation,
): { scales: Float64Array; requantisation: Requantisation } {
  const ratio = input.scale / output.scale;
  const fixed = Array.from(scales, (scale) => fixedPointFor(scale * ratio));
  return {
    scales: Float64Array.from(fixed, (form) => factorOf(form) / ratio),
    requantisation: requantisationOf(fixed),
  };
}

export function requantisationOf(fixed: readonly FixedPoint[]): Requantisation {
  return {
    multiplier: Int16Array.from(fixed, ({ multiplier }) => multiplier),
    shift: Uint8Array.from(fixed, ({ shift }) => shift),
  };
}

export function quantiseBias(bias: Float64Array, scales: Float64Array, input: Quantisation): Int32Array {
  return Int32Array.from(bias, (value, o) =>
    clip(Math.round(value / (scales[o] * input.scale)), -BIAS_LIMIT, BIAS_LIMIT),
  );
}

/** `maximum`: largest value that the tensor uses. */
export function quantiseValue(value: number, { scale, zeroPoint }: Quantisation, maximum = 255): number {
  return clip(Math.round(value / scale) + zeroPoint, 0, maximum);
}

export function quantiseClamp(clamp: FloatClamp | null, quantisation: Quantisation, maximum = 255): Clamp {
  if (clamp === null) return { minimum: 0, maximum };
  return {
    minimum: quantiseValue(clamp.minimum, quantisation, maximum),
    maximum: quantiseValue(clamp.maximum, quantisation, maximum),
  };
}
