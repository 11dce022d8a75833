/** The light of training images, so that a device knows what its network has not seen. */
import { mapConcurrently } from '../../concurrently.ts';
import type { Sample } from '../../dataset/dataset.ts';
import { type LightSection, lightProblem } from '../../model/bundle/light-section.ts';
import { decodeImage } from '../../preprocess/decode.ts';
import { fieldOf, inputOf } from '../../preprocess/field.ts';
import { type Chromaticity, chromaticityOf, lightDistance } from '../../preprocess/light.ts';
import { unreadable } from '../read-split.ts';

/** Images read at most, evenly out of the split: two means and a covariance need no more. */
const MOST = 2000;
/** Images below which a covariance is guesswork. */
const LEAST = 100;
/**
 * Share of training images whose light is within the limit. Chosen on validation: a lower one costs AUC on photographs in
 * their own light, a higher one leaves sensitivity in warm light behind (docs/results/evaluation.md).
 */
const WITHIN = 0.9;

/** As many of the samples as are read, evenly out of them. */
export function lightSamples(training: readonly Sample[]): readonly Sample[] {
  const step = Math.max(1, training.length / MOST);
  return Array.from({ length: Math.min(training.length, MOST) }, (_, i) => training[Math.floor(i * step)]);
}

/**
 * @param training images that the network learned from; files that do not decode are left out
 * @param side of what the network reads, pixels
 * @returns null where there are fewer than 100, or all have one light
 */
export async function fitLight(
  training: readonly Sample[],
  side: number,
  onImage?: () => void,
): Promise<LightSection | null> {
  const read = await mapConcurrently(training, async (sample) => {
    try {
      const frame = await decodeImage(sample.file);
      const field = fieldOf(frame);
      return chromaticityOf(inputOf(frame, field, field.square, side));
    } catch (error) {
      unreadable(sample, error);
      return null;
    } finally {
      onImage?.();
    }
  });
  return lightSectionOf(read.filter((chromaticity) => chromaticity !== null));
}

/** Mean, inverse covariance, and the distance within which nine in ten are. Null as in `fitLight`. */
export function lightSectionOf(lights: readonly Chromaticity[]): LightSection | null {
  const n = lights.length;
  if (n < LEAST) return null;
  const meanOf = (value: (light: Chromaticity) => number) =>
    lights.reduce((sum, light) => sum + value(light), 0) / n;
  const red = meanOf(([x]) => x);
  const blue = meanOf(([, y]) => y);
  const reds = meanOf(([x]) => (x - red) ** 2);
  const blues = meanOf(([, y]) => (y - blue) ** 2);
  const both = meanOf(([x, y]) => (x - red) * (y - blue));
  const determinant = reds * blues - both * both;
  if (!(determinant > 0)) return null;
  const precision: LightSection['precision'] = [blues / determinant, -both / determinant, reds / determinant];
  const distances = lights
    .map((light) => lightDistance({ mean: [red, blue], precision }, light))
    .sort((a, b) => a - b);
  const within = Math.ceil(WITHIN * n);
  const section: LightSection = {
    ...{ version: 1, mean: [red, blue], precision, limit: distances[within - 1] },
    fittedOn: { images: n, within: within / n },
  };
  return lightProblem(section) === null ? section : null;
}
