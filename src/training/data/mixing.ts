/** Mixup and CutMix: images of a batch combined in pairs. */
import { seededRandom } from '../../random.ts';
import { shuffled } from '../protocol/shuffle.ts';
import { seedOf } from '../trainer/seed.ts';
import type { Augmentation } from './augmentation.ts';
import type { Batch } from './training-data.ts';

interface Images {
  readonly images: readonly Float32Array[];
  readonly labels: Int32Array;
}

/** Each image keeps the larger share, so that a label stays that of most of its pixels. */
export function mix(
  { images, labels }: Images,
  { kind, probability, alpha }: Augmentation['mixing'],
  seed: number,
): Pick<Batch, 'images' | 'mixed'> {
  const random = seededRandom(seedOf(seed, 1));
  if (kind === 'none' || random() >= probability) return { images, mixed: null };
  const partners = shuffled(labels.keys(), seedOf(seed, 2));
  const size = sizeOf(images[0], labels.length);
  const shares = Float32Array.from(partners, () => {
    const draw = betaDraw(alpha, random);
    const share = Math.max(draw, 1 - draw);
    return kind === 'mixup' ? share : 1 - (sideOf(size, share) / size) ** 2;
  });
  const corners = partners.map(() => ({ x: random(), y: random() }));
  const mixed = images.map((original) => {
    const numbers = original.length / labels.length;
    const result = new Float32Array(original.length);
    partners.forEach((partner, i) => {
      const own = original.subarray(i * numbers, (i + 1) * numbers);
      const other = original.subarray(partner * numbers, (partner + 1) * numbers);
      const target = result.subarray(i * numbers, (i + 1) * numbers);
      if (kind === 'mixup') blend(target, own, other, shares[i]);
      else paste(target, own, other, squareOf(sizeOf(original, labels.length), shares[i], corners[i]));
    });
    return result;
  });
  return {
    images: mixed,
    mixed: { otherLabels: Int32Array.from(partners, (partner) => labels[partner]), shares },
  };
}

function blend(target: Float32Array, own: Float32Array, other: Float32Array, share: number): void {
  for (let i = 0; i < target.length; i++) target[i] = share * own[i] + (1 - share) * other[i];
}

interface PixelSquare {
  readonly left: number;
  readonly top: number;
  readonly side: number;
  /** Of the image. */
  readonly size: number;
}

/** A square of the area 1 − share, wholly inside. */
function squareOf(size: number, share: number, corner: { x: number; y: number }): PixelSquare {
  const side = sideOf(size, share);
  const free = size - side + 1;
  return { left: Math.floor(corner.x * free), top: Math.floor(corner.y * free), side, size };
}

function sideOf(size: number, share: number): number {
  return Math.round(size * Math.sqrt(1 - share));
}

/** Side of square RGB images of which so many lie in an array. */
function sizeOf(images: Float32Array, count: number): number {
  return Math.sqrt(images.length / count / 3);
}

function paste(
  target: Float32Array,
  own: Float32Array,
  other: Float32Array,
  { left, top, side, size }: PixelSquare,
): void {
  target.set(own);
  for (let y = top; y < top + side; y++) {
    const start = 3 * (y * size + left);
    target.set(other.subarray(start, start + 3 * side), start);
  }
}

/** Beta(alpha, alpha), for alpha up to about 2 (Jöhnk 1964). */
export function betaDraw(alpha: number, random: () => number): number {
  for (;;) {
    const x = random() ** (1 / alpha);
    const sum = x + random() ** (1 / alpha);
    if (sum <= 1 && sum > 0) return x / sum;
  }
}
