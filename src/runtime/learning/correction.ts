/**
 * What a device has learned: integers that are added to the factory head's potentials. A class of the factory's has
 *
 *   potential = factory potential + bias + ⌊(2 Σ_k weight_k × pooled_k + 2^shift) / 2^(shift + 1)⌋
 *
 * and an added class the same with the largest of these in the place of a factory potential, so that its weights only have
 * to tell its cases from those of all other classes. Potentials keep their scale, and α its meaning.
 */
export interface Correction {
  /** The factory's, then the added ones. */
  readonly classes: readonly string[];
  readonly factoryClasses: number;
  /** Those of the added classes that were said to be benign when they were added; any other counts as malignant. */
  readonly benign: readonly string[];
  /** Channels of the embedding. */
  readonly features: number;
  /** [class][feature], in steps of 2^−shift potentials for each unit of a pooled sum. */
  readonly weights: Int16Array;
  /** 0…24 */
  readonly shift: number;
  /** In potentials. */
  readonly bias: Int32Array;
}

export const LARGEST_SHIFT = 24;
/** Of either sign. */
export const LARGEST_WEIGHT = 32_767;
const SMALLEST_POTENTIAL = -(2 ** 31);
export const LARGEST_POTENTIAL = 2 ** 31 - 1;

/** The factory head as a correction that changes nothing. */
export function noCorrection(classes: readonly string[], features: number): Correction {
  const n = classes.length;
  return {
    classes,
    factoryClasses: n,
    benign: [],
    features,
    weights: new Int16Array(n * features),
    shift: 0,
    bias: new Int32Array(n),
  };
}

/**
 * The learned head's potentials of one image: int32, one for each class, saturated.
 * @param factory int32, one for each of the factory's classes
 * @param pooled sum of each channel over the places of the embedding
 */
export function correctedPotentials(
  { classes, factoryClasses, features, weights, shift, bias }: Correction,
  factory: Int32Array,
  pooled: Int16Array,
): Int32Array {
  const step = 2 ** shift;
  const result = new Int32Array(classes.length);
  let largest = SMALLEST_POTENTIAL;
  for (let c = 0; c < classes.length; c++) {
    // At most 2^15 × 2^15 × features: exact in a double for every embedding that a bundle may have.
    let sum = 0;
    for (let k = 0, w = c * features; k < features; k++, w++) sum += weights[w] * pooled[k];
    const own = c < factoryClasses ? factory[c] : largest;
    const potential = own + bias[c] + Math.floor((2 * sum + step) / (2 * step));
    result[c] = Math.min(LARGEST_POTENTIAL, Math.max(SMALLEST_POTENTIAL, potential));
    if (c < factoryClasses && result[c] > largest) largest = result[c];
  }
  return result;
}

/** A correction in real numbers, in units of potentials and of pooled sums. */
export interface RealCorrection {
  readonly weights: Float64Array;
  readonly bias: Float64Array;
}

export function realOf({ weights, shift, bias }: Correction): RealCorrection {
  return {
    weights: Float64Array.from(weights, (weight) => weight / 2 ** shift),
    bias: Float64Array.from(bias),
  };
}

/** The nearest integers, in the finest steps in which the largest weight still fits. */
export function quantised(
  real: RealCorrection,
  layout: Pick<Correction, 'classes' | 'factoryClasses' | 'benign' | 'features'>,
): Correction {
  const largest = real.weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 1e-9);
  const shift = Math.min(LARGEST_SHIFT, Math.max(0, Math.floor(Math.log2(LARGEST_WEIGHT / largest))));
  const within = (value: number, limit: number) => Math.round(Math.min(limit, Math.max(-limit, value)));
  return {
    ...layout,
    weights: Int16Array.from(real.weights, (weight) => within(weight * 2 ** shift, LARGEST_WEIGHT)),
    shift,
    bias: Int32Array.from(real.bias, (value) => within(value, LARGEST_POTENTIAL)),
  };
}
