/**
 * What may go wrong with a photograph before a device reads it. Blur and noise are those of ImageNet-C at the middle one of
 * its five severities (Hendrycks and Dietterich, ICLR 2019), which is defined on pictures of 224 pixels and is brought here
 * to the short side of each photograph.
 */
import { createHash } from 'node:crypto';
import sharp, { type Sharp } from 'sharp';
import type { RgbFrame } from '../../frame.ts';
import { seededRandom } from '../../random.ts';
import { daylightGains, underLight } from './illuminant.ts';
import { rotated } from './rotate.ts';

export interface Corruption {
  /** In documents and on the command line. */
  readonly name: string;
  /** In reports. */
  readonly words: string;
  /** @param seed unsigned 32-bit integer; the same seed gives the same pixels */
  readonly apply: (frame: RgbFrame, seed: number) => RgbFrame | Promise<RgbFrame>;
}

/** Side of the pictures that the severities are defined on. */
const IMAGENET_SIDE = 224;
const BLUR_SIGMA = 3;
const NOISE_SIGMA = 0.18;
const JPEG_QUALITY = 30;
const WARM = daylightGains(4000);
const COLD = daylightGains(10_000);

export const CORRUPTIONS: readonly Corruption[] = [
  {
    name: 'blur',
    words: `Gaussian blur, σ ${BLUR_SIGMA} of ${IMAGENET_SIDE} pixels`,
    apply: (frame) => throughSharp(frame, (image) => image.blur(BLUR_SIGMA * enlargement(frame))),
  },
  {
    name: 'noise',
    words: `Gaussian noise, σ ${NOISE_SIGMA} of white at ${IMAGENET_SIDE} pixels`,
    apply: (frame, seed) => noisy(frame, NOISE_SIGMA * enlargement(frame), seed),
  },
  {
    name: 'jpeg',
    words: `JPEG of quality ${JPEG_QUALITY}`,
    apply: (frame) => throughSharp(frame, async (image) => sharp(await compressed(image))),
  },
  { name: 'darker', words: 'brightness −20 %', apply: (frame) => brighter(frame, 0.8) },
  { name: 'brighter', words: 'brightness +20 %', apply: (frame) => brighter(frame, 1.2) },
  { name: 'warm', words: 'daylight of 4,000 K, unbalanced', apply: (frame) => underLight(frame, WARM) },
  { name: 'cold', words: 'daylight of 10,000 K, unbalanced', apply: (frame) => underLight(frame, COLD) },
  {
    name: 'rotation',
    words: 'turned by any angle',
    apply: (frame, seed) => rotated(frame, 2 * Math.PI * seededRandom(seed)()),
  },
];

/** Each image is corrupted alike whichever others are read. */
export function corruptionSeed(corruption: string, imageId: string): number {
  return createHash('sha256').update(`${corruption} ${imageId}`).digest().readUInt32LE(0);
}

/**
 * By which a photograph's pixels are smaller than those of a picture of 224. A blur grows with it; so does white noise, of
 * which averaging over a larger pixel leaves less.
 */
function enlargement({ width, height }: RgbFrame): number {
  return Math.min(width, height) / IMAGENET_SIDE;
}

async function throughSharp(
  { rgb, width, height }: RgbFrame,
  change: (image: Sharp) => Sharp | Promise<Sharp>,
): Promise<RgbFrame> {
  const image = await change(sharp(rgb, { raw: { width, height, channels: 3 } }));
  return { rgb: await image.raw().toBuffer(), width, height };
}

function compressed(image: Sharp): Promise<Buffer> {
  return image.jpeg({ quality: JPEG_QUALITY, chromaSubsampling: '4:2:0' }).toBuffer();
}

/** By Box and Muller's transform; values are cut to the range of a byte. */
function noisy({ rgb, width, height }: RgbFrame, sigma: number, seed: number): RgbFrame {
  const random = seededRandom(seed);
  const changed = rgb.map((value) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(255, Math.max(0, Math.round(value + 255 * sigma * normal)));
  });
  return { rgb: changed, width, height };
}

function brighter({ rgb, width, height }: RgbFrame, factor: number): RgbFrame {
  return { rgb: rgb.map((value) => Math.min(255, Math.round(factor * value))), width, height };
}
