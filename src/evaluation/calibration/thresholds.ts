/** Per-class thresholds and the trigger of tiling, fitted on the validation split (specification §6, equation 18). */
import type { Prediction } from '../../statistics/prediction.ts';

/** Classes for which a sensitivity is asked, by class name: 0 < sensitivity ≤ 1. */
export type OperatingPoints = Readonly<Record<string, number>>;

/**
 * Equation 18 for each class: the threshold on its probability at which most images are told rightly into this class
 * and the rest; of equally good ones the lowest, which misses fewest. A class with an operating point gets the
 * highest threshold that keeps its sensitivity. Thresholds lie halfway between neighbouring scores, so that they do
 * not hang on one image's last digit. A class without an image gets 1: nothing is known that would allow naming it.
 * @returns one value per class, 0…1
 */
export function fitThresholds(
  classes: readonly string[],
  predictions: readonly Prediction[],
  operatingPoints: OperatingPoints = {},
): number[] {
  return classes.map((name, c) => {
    const scores = predictions.map(({ probabilities, label }) => ({
      score: probabilities[c],
      positive: label === c,
    }));
    if (!scores.some(({ positive }) => positive)) return 1;
    scores.sort((a, b) => a.score - b.score);
    const sensitivity = operatingPoints[name];
    return sensitivity === undefined ? mostRight(scores) : highestKeeping(scores, sensitivity);
  });
}

interface Score {
  readonly score: number;
  readonly positive: boolean;
}

/** `scores` rising. */
function mostRight(scores: readonly Score[]): number {
  let right = scores.filter(({ positive }) => positive).length;
  let best = { right, threshold: 0 };
  scores.forEach(({ score, positive }, i) => {
    right += positive ? -1 : 1;
    const next = scores[i + 1]?.score ?? 1;
    if (next > score && right > best.right) best = { right, threshold: (score + next) / 2 };
  });
  return best.threshold;
}

/** `scores` rising; the threshold lies between the last positive that must be found and the score below it. */
function highestKeeping(scores: readonly Score[], sensitivity: number): number {
  const positives = scores.filter(({ positive }) => positive);
  const needed = Math.ceil(sensitivity * positives.length - 1e-9);
  const { score } = positives[positives.length - Math.max(1, needed)];
  const below = scores.findLast((other) => other.score < score)?.score ?? 0;
  return (score + below) / 2;
}

/** Share of true positives found at a threshold; null without positives. */
export function sensitivityAt(
  predictions: readonly Prediction[],
  c: number,
  threshold: number,
): number | null {
  const positives = predictions.filter(({ label }) => label === c);
  if (positives.length === 0) return null;
  return positives.filter(({ probabilities }) => probabilities[c] >= threshold).length / positives.length;
}

/** Share of the validation split on which tiling triggers, as in the paper. */
export const TRIGGER_SHARE = 0.18;

/**
 * τ such that `share` of the images have a largest probability below it, as nearly as ties allow.
 * @param confidences largest probability of each image, 0…1
 */
export function fitTau(confidences: readonly number[], share = TRIGGER_SHARE): number {
  const sorted = confidences.toSorted((a, b) => a - b);
  const wanted = share * sorted.length;
  // Cutting at index i puts exactly i images below, but only between different values.
  let best = 0;
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i] > sorted[i - 1] && Math.abs(i - wanted) < Math.abs(best - wanted)) best = i;
  }
  return best === 0 ? 0 : (sorted[best - 1] + sorted[best]) / 2;
}
