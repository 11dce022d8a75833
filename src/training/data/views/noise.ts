import type { RgbFrame } from '../../../frame.ts';
import { seededRandom } from '../../../random.ts';
import type { Noise } from './view.ts';

/** Standard deviation of a sum of four even bytes. */
const DEVIATION = Math.sqrt(4 * ((256 ** 2 - 1) / 12));
const MEAN = 510;

/**
 * A frame as a noisier sensor gives it. Each number of the frame, in its order, takes the next number of the seed's stream;
 * the sum of its four bytes is near to normal (Irwin–Hall). In integers, so that every implementation gives the same bytes.
 */
export function withNoise({ rgb, width, height }: RgbFrame, { sigma, seed }: Noise): RgbFrame {
  const random = seededRandom(seed);
  const scale = Math.round((sigma * 255 * 65_536) / DEVIATION);
  const noisy = rgb.map((value) => {
    const word = random() * 2 ** 32;
    const sum = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
    return Math.min(255, Math.max(0, value + (((sum - MEAN) * scale + 32_768) >> 16)));
  });
  return { rgb: noisy, width, height };
}
