import type { Pixels } from './cache/cache-file.ts';

/**
 * Grey-world gains of a set of images: with them the images' mean colour is grey, of the same mean over the channels
 * (Buchsbaum 1980).
 */
export function greyWorldGains(images: readonly Pixels[]): readonly [number, number, number] {
  const sums = [0, 0, 0];
  for (const { mean } of images) for (let c = 0; c < 3; c++) sums[c] += mean[c];
  const grey = (sums[0] + sums[1] + sums[2]) / 3;
  const [red, green, blue] = sums.map((sum) => (sum > 0 ? grey / sum : 1));
  return [red, green, blue];
}
