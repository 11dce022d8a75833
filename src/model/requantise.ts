/**
 * The one requantise primitive (specification §5). An int32 accumulator becomes an 8-bit value in two
 * 16-bit steps, each of which is a single instruction on the processors this runs on:
 *
 *   t = saturate16(roundHalfUp(accumulator / 2^shift))
 *   r = roundHalfUp(t × multiplier / 2^15)
 *   q = clip(r + zeroPoint, minimum, maximum)
 *
 * Real factor: multiplier × 2^−15 × 2^−shift. The sixteen-bit saturation never decides a result that lies
 * inside 0…255 as long as multiplier ≥ 512, which `requantisationFor` guarantees whenever the factor allows.
 */

/** Largest |accumulator| an engine may meet; graphs that could exceed it are refused. Leaves room for the rounding term. */
export const ACCUMULATOR_LIMIT = 2 ** 30;

export const MULTIPLIER_BITS = 15;
export const MAXIMUM_MULTIPLIER = 32767;
export const MAXIMUM_SHIFT = 30;

/** value / 2^shift, ties towards +∞. `value` is an int32 with |value| ≤ `ACCUMULATOR_LIMIT`, `shift` in 0…30. */
export function roundingShiftRight(value: number, shift: number): number {
  return shift === 0 ? value : (value + (1 << (shift - 1))) >> shift;
}

export function clip(value: number, minimum: number, maximum: number): number {
  return Math.min(Math.max(value, minimum), maximum);
}

/** The primitive. `accumulator`: int32; result: an integer in minimum…maximum. */
export function requantise(
  accumulator: number,
  multiplier: number,
  shift: number,
  zeroPoint: number,
  minimum: number,
  maximum: number,
): number {
  const narrowed = clip(roundingShiftRight(accumulator, shift), -32768, 32767);
  const scaled = (narrowed * multiplier + 2 ** (MULTIPLIER_BITS - 1)) >> MULTIPLIER_BITS;
  return clip(scaled + zeroPoint, minimum, maximum);
}

export interface FixedPoint {
  readonly multiplier: number;
  readonly shift: number;
}

/**
 * Nearest fixed-point form of a real factor in (0, 1). The multiplier is taken from 1024…2047, which splits the error evenly
 * between the two steps (each below 1/8 of an output step over the whole 8-bit range); only factors above 2^−5 × (1 − 2^−11)
 * use a larger multiplier, and those below 2^−35 a smaller one.
 * @throws RangeError when the factor is not in (0, 1)
 */
export function fixedPointFor(factor: number): FixedPoint {
  if (!(factor > 0 && factor < 1)) {
    throw new RangeError(`Expected a requantisation factor between 0 and 1 but received ${factor}`);
  }
  const exponent = Math.floor(Math.log2(factor));
  let shift = clip(-exponent - 5, 0, MAXIMUM_SHIFT);
  let multiplier = Math.round(factor * 2 ** (MULTIPLIER_BITS + shift));
  if (multiplier === 2048 && shift > 0) {
    shift -= 1;
    multiplier = 1024;
  }
  return { multiplier: clip(multiplier, 1, MAXIMUM_MULTIPLIER), shift };
}

/** The real factor that a fixed-point form stands for. */
export function factorOf({ multiplier, shift }: FixedPoint): number {
  return multiplier * 2 ** -(MULTIPLIER_BITS + shift);
}
