/**
 * Number of synthetic vectors per class (QANA, equation 3): max(0, ⌊ρ·n_max⌋ − n_c), n_max being the size of the
 * largest class.
 * @param counts images of each class
 * @param ratio ρ, 0 ≤ ρ < 1: so no class ever outgrows the largest
 * @throws RangeError for another ρ
 */
export function syntheticCounts(counts: readonly number[], ratio: number): number[] {
  if (!(ratio >= 0 && ratio < 1)) throw new RangeError(`ρ must be at least 0 and below 1, received ${ratio}`);
  const target = Math.floor(ratio * Math.max(0, ...counts));
  return counts.map((count) => Math.max(0, target - count));
}
