import { quantile } from '../../statistics/resampling.ts';
import type { Neighbours } from './neighbours.ts';

/** Share of a class's vectors whose neighbourhoods are close enough (QANA, equation 2). */
const PERCENTILE = 0.9;

/**
 * The anchors of one class that synthesis may start from (QANA, equation 2): those whose median distance to their
 * neighbours does not exceed the class's 90th percentile of that median. Outliers, which have no neighbours near, are
 * no anchors. A class of one vector has no neighbours and hence no anchor.
 * @param neighbours of the class's vectors among themselves
 * @returns indices into the class, rising
 */
export function safeAnchors({ k, distances }: Neighbours): Uint32Array {
  if (k === 0) return new Uint32Array(0);
  // Distances of one vector come sorted, nearest first.
  const medians = Float64Array.from({ length: distances.length / k }, (_, i) =>
    quantile(distances.subarray(i * k, (i + 1) * k), 0.5),
  );
  const bound = quantile(medians.toSorted(), PERCENTILE);
  return Uint32Array.from(medians.keys()).filter((i) => medians[i] <= bound);
}
