/** What a score is worth at every threshold: the ROC and the decision curve. */
import type { ScoreOrder } from './auc.ts';

/** Of calling positive all images that score `threshold` or more. */
export interface RocPoint {
  /** Null before the first: nothing is called positive. */
  readonly threshold: number | null;
  readonly sensitivity: number;
  readonly specificity: number;
}

/**
 * The corners of the ROC, from calling nothing positive to calling everything so. Points between two corners lie on the line
 * that joins them.
 * @returns empty when positives or negatives are absent
 */
export function rocOf({ order, scores }: ScoreOrder, isPositive: (image: number) => boolean): RocPoint[] {
  const positives = order.reduce((sum, image) => sum + Number(isPositive(image)), 0);
  const negatives = order.length - positives;
  if (positives === 0 || negatives === 0) return [];
  const points: { threshold: number | null; found: number; alarms: number }[] = [
    { threshold: null, found: 0, alarms: 0 },
  ];
  let [found, alarms] = [0, 0];
  for (let i = 0; i < order.length; i++) {
    if (isPositive(order[i])) found++;
    else alarms++;
    if (i + 1 < order.length && scores[i + 1] === scores[i]) continue;
    const [before, last] = points.slice(-2);
    const next = { threshold: scores[i], found, alarms };
    if (last !== undefined && isStraight(before, last, next)) points.pop();
    points.push(next);
  }
  return points.map((point) => ({
    threshold: point.threshold,
    sensitivity: point.found / positives,
    specificity: 1 - point.alarms / negatives,
  }));
}

interface Corner {
  readonly found: number;
  readonly alarms: number;
}

function isStraight(a: Corner, b: Corner, c: Corner): boolean {
  return (b.found - a.found) * (c.alarms - b.alarms) === (c.found - b.found) * (b.alarms - a.alarms);
}

/**
 * Net benefit (Vickers and Elkin 2006) of calling some images positive, when one missed positive weighs as much as
 * (1 − p) / p false alarms: TP / n − FP / n · p / (1 − p).
 * @param isCalled which images are called positive
 * @param p threshold probability, 0 ≤ p < 1
 * @param weights how often each image counts
 */
export function netBenefit(
  isPositive: readonly boolean[],
  isCalled: readonly boolean[],
  p: number,
  weights: ArrayLike<number>,
): number {
  let [all, found, alarms] = [0, 0, 0];
  for (let i = 0; i < isPositive.length; i++) {
    all += weights[i];
    if (!isCalled[i]) continue;
    if (isPositive[i]) found += weights[i];
    else alarms += weights[i];
  }
  return found / all - (alarms / all) * (p / (1 - p));
}
