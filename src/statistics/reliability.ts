/** Width of a confidence bin is 1/15 (the usual choice, so that figures compare with the literature). */
export const BINS = 15;

/** One bin of the reliability diagram: confidences in (from, to]; 0 belongs to the first. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean confidence of the bin's images, and the share of them that is right; null for an empty bin. */
  readonly confidence: number | null;
  readonly accuracy: number | null;
}

/** Index of the bin that holds a confidence in 0…1. */
export function binOf(confidence: number): number {
  return Math.min(BINS - 1, Math.max(0, Math.ceil(confidence * BINS) - 1));
}

/** Confidences (largest probability) against how often they were right. Images count `weights[i]` times. */
export function reliabilityOf(
  confidences: ArrayLike<number>,
  isRight: (image: number) => boolean,
  weights?: ArrayLike<number>,
): ReliabilityBin[] {
  const count = new Float64Array(BINS);
  const confidence = new Float64Array(BINS);
  const right = new Float64Array(BINS);
  for (let i = 0; i < confidences.length; i++) {
    const bin = binOf(confidences[i]);
    const weight = weights === undefined ? 1 : weights[i];
    count[bin] += weight;
    confidence[bin] += weight * confidences[i];
    if (isRight(i)) right[bin] += weight;
  }
  return Array.from(count, (n, bin) => ({
    from: bin / BINS,
    to: (bin + 1) / BINS,
    count: n,
    confidence: n === 0 ? null : confidence[bin] / n,
    accuracy: n === 0 ? null : right[bin] / n,
  }));
}

/** Expected calibration error: mean |accuracy − confidence| over the bins, weighted by their counts; 0…1. */
export function calibrationError(bins: readonly ReliabilityBin[]): number {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  return bins.reduce(
    (sum, { count, confidence, accuracy }) =>
      confidence === null || accuracy === null
        ? sum
        : sum + (count / total) * Math.abs(accuracy - confidence),
    0,
  );
}
