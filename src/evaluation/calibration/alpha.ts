/** α of the readout p = softmax(α × potential), fitted as temperature scaling is (specification §6, equation 17). */
import { softmax } from '../../runtime/inference/readout.ts';

/** An image's potentials (int32, one per class) and the index of its true class. */
export interface Scored {
  readonly potentials: ArrayLike<number>;
  readonly label: number;
  /** How much the image counts, positive. */
  readonly weight: number;
}

/**
 * Weights under which every lesion counts once, however many photos of it there are: a clinician takes one capture of
 * a lesion, and a lesion photographed six times must not decide six times. An image without a lesion identifier
 * counts once.
 */
export function lesionWeights(groups: readonly (string | null)[]): number[] {
  const photos = new Map<string, number>();
  for (const group of groups) if (group !== null) photos.set(group, (photos.get(group) ?? 0) + 1);
  return groups.map((group) => (group === null ? 1 : 1 / (photos.get(group) ?? 1)));
}

/** α is looked for within this factor of the model's own scale, on either side. */
const RANGE = 1000;
/** Halvings of that interval: beyond the precision of a number. */
const ROUNDS = 55;

/** Weighted mean of −ln p(true class). */
export function negativeLogLikelihood(alpha: number, scored: readonly Scored[]): number {
  const sum = scored.reduce((total, { potentials, label, weight }) => {
    const values = Array.from(potentials, (potential) => alpha * potential);
    const largest = Math.max(...values);
    const logTotal = largest + Math.log(values.reduce((part, value) => part + Math.exp(value - largest), 0));
    return total + weight * (logTotal - values[label]);
  }, 0);
  return sum / scored.reduce((total, { weight }) => total + weight, 0);
}

/**
 * The α of least negative log-likelihood. That function of α is convex, so the zero of its slope is found by halving
 * an interval of ln α.
 * @param scale the uncalibrated α: logit = scale × potential
 * @returns α within a factor of 1000 of `scale`, also where the data ask for more (every answer right, or the
 *   potentials worse than chance)
 */
export function fitAlpha(scored: readonly Scored[], scale: number): number {
  if (scored.length === 0) throw new RangeError('α cannot be fitted to no images');
  let low = Math.log(scale / RANGE);
  let high = Math.log(scale * RANGE);
  for (let round = 0; round < ROUNDS; round++) {
    const middle = (low + high) / 2;
    if (slopeAt(Math.exp(middle), scored) < 0) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

/** Derivative of the summed negative log-likelihood: expected potential under p less the true class's potential. */
function slopeAt(alpha: number, scored: readonly Scored[]): number {
  return scored.reduce((slope, { potentials, label, weight }) => {
    const probabilities = softmax(alpha, potentials);
    const expected = probabilities.reduce((sum, p, c) => sum + p * potentials[c], 0);
    return slope + weight * (expected - potentials[label]);
  }, 0);
}
