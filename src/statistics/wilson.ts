/** 97.5th percentile of the standard normal distribution. */
const Z = 1.959_963_984_540_054;

/**
 * The 95 % interval of a share by Wilson's score (Probable Inference, the Law of Succession, and Statistical Inference,
 * 1927): inside 0…1, and wider than nothing also where all or none of few are hits.
 * @param n above 0
 */
export function wilsonInterval(hits: number, n: number): [low: number, high: number] {
  const share = hits / n;
  const centre = share + Z ** 2 / (2 * n);
  const reach = Z * Math.sqrt((share * (1 - share)) / n + Z ** 2 / (4 * n ** 2));
  const scale = 1 + Z ** 2 / n;
  return [Math.max(0, (centre - reach) / scale), Math.min(1, (centre + reach) / scale)];
}
