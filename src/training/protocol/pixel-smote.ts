/**
 * SMOTE on raw pixels (Chawla et al. 2002), as the publication's training script performs it before training. It makes
 * double exposures, and it is here only to show what that procedure yields: QANA's own synthesis works on embeddings.
 */
import * as tf from '@tensorflow/tfjs-core';
import { seededRandom } from '../../random.ts';
import { seedOf } from '../trainer/seed.ts';

/** Images of one size, one after the other, uint8. */
export interface PixelImages {
  readonly pixels: Uint8Array;
  readonly labels: Int32Array;
  /** Values per image. */
  readonly width: number;
}

/** Neighbours of the same class; the customary number. */
const NEIGHBOURS = 5;

/**
 * Synthetic images that fill every class up to the size of the largest: x + λ(x' − x), rounded, between an image drawn
 * at random and one of its five nearest. A class of one image, which has no neighbour, stays as it is.
 */
export async function synthesisePixels(
  images: PixelImages,
  classCount: number,
  seed: number,
): Promise<PixelImages> {
  const members = membersOf(images.labels, classCount);
  const target = Math.max(...members.map(({ length }) => length));
  const missing = members.map(({ length }) => (length > 1 ? target - length : 0));
  const total = missing.reduce((sum, count) => sum + count, 0);
  const pixels = new Uint8Array(total * images.width);
  const labels = new Int32Array(total);
  let made = 0;
  for (const [label, own] of members.entries()) {
    const random = seededRandom(seedOf(seed, label));
    const neighbours = missing[label] === 0 ? [] : await nearest(images, own);
    for (let n = 0; n < missing[label]; n++) {
      const anchor = Math.floor(random() * own.length);
      const around = neighbours[anchor];
      const other = around[Math.floor(random() * around.length)];
      blend(images, own[anchor], own[other], random(), pixels.subarray(made * images.width));
      labels[made++] = label;
    }
  }
  return { pixels, labels, width: images.width };
}

function membersOf(labels: Int32Array, classCount: number): number[][] {
  const members = Array.from({ length: classCount }, (): number[] => []);
  labels.forEach((label, i) => {
    members[label].push(i);
  });
  return members;
}

/** x + λ(x' − x) of two images, into the beginning of `into`. */
function blend(
  { pixels, width }: PixelImages,
  from: number,
  to: number,
  position: number,
  into: Uint8Array,
): void {
  for (let p = 0; p < width; p++) {
    const value = pixels[from * width + p];
    into[p] = Math.round(value + position * (pixels[to * width + p] - value));
  }
}

/**
 * For each member the positions of its nearest others, nearest first, by |a|² + |b|² − 2a·b on tfjs's backend; float32
 * may exchange neighbours whose distances are equal to six digits.
 */
async function nearest({ pixels, width }: PixelImages, own: readonly number[]): Promise<number[][]> {
  const values = new Float32Array(own.length * width);
  own.forEach((image, i) => {
    values.set(pixels.subarray(image * width, (image + 1) * width), i * width);
  });
  const distances = tf.tidy(() => {
    // Around the mean image, where the products are small and lose little.
    const raw = tf.div(tf.tensor2d(values, [own.length, width]), 255);
    const x = tf.sub(raw, tf.mean(raw, 0, true));
    const squares = tf.sum(tf.square(x), 1, true);
    return tf.sub(tf.add(squares, tf.transpose(squares)), tf.mul(tf.matMul(x, x, false, true), 2));
  });
  try {
    const all = await distances.data();
    return own.map((_, i) => smallest(all.subarray(i * own.length, (i + 1) * own.length), i));
  } finally {
    distances.dispose();
  }
}

function smallest(distances: ArrayLike<number>, itself: number): number[] {
  const best: number[] = [];
  for (let j = 0; j < distances.length; j++) {
    if (j === itself) continue;
    const place = best.findIndex((other) => distances[j] < distances[other]);
    if (place !== -1) best.splice(place, 0, j);
    else if (best.length < NEIGHBOURS) best.push(j);
    if (best.length > NEIGHBOURS) best.pop();
  }
  return best;
}
