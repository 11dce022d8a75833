/** Dropout whose mask is a function of seed and position alone, so that a resumed run draws what an undisturbed one does. */
import * as tf from '@tensorflow/tfjs-core';
import { FUSED, isFused, runFused } from './fused.ts';

/**
 * Inverted dropout: each value is zero with probability `rate`, else divided by 1 − `rate`. The mask is the same on every
 * backend.
 * @param x float32, any shape, at most 2^32 values
 * @param rate in [0, 1)
 * @param seed integer in 0…2^32 − 1; take another one for every layer and step
 */
export function dropout(x: tf.Tensor, rate: number, seed: number): tf.Tensor {
  if (!isFused(FUSED.dropout)) return dropoutPlain(x, rate, seed);
  const [y] = runFused(FUSED.dropout, { x }, { rate, seed });
  return y;
}

/** `dropout` with the mask drawn in JavaScript and applied by tfjs. */
export function dropoutPlain(x: tf.Tensor, rate: number, seed: number): tf.Tensor {
  const factor = 1 / (1 - rate);
  const threshold = Math.floor(rate * 2 ** 32);
  const offset = mix(seed);
  const mask = Float32Array.from({ length: x.size }, (_, index) =>
    mix((index + offset) | 0) >= threshold ? factor : 0,
  );
  return tf.tidy(() => tf.mul(x, tf.tensor(mask, x.shape)));
}

/** A bijection of 32-bit words without visible structure: Wellons' `lowbias32`. */
function mix(word: number): number {
  let x = word;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
