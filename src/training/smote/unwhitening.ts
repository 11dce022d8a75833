import * as tf from '@tensorflow/tfjs-core';
import { type Rows, rowsOf } from './rows.ts';
import type { Whitening } from './whitening.ts';

/** h̃ = μ + U_r Λ_r^(1/2) z̃, the standardisation undone (QANA, equation 5). @returns count × width */
export async function unwhiten(
  { mean, deviation, variances, directions }: Whitening,
  { values, count, width }: Rows,
): Promise<Rows> {
  if (count === 0) return rowsOf(new Float32Array(0), mean.length);
  const scaled = directions.clone();
  variances.forEach((variance, c) => {
    scaled.mulColumn(c, Math.sqrt(variance));
  });
  const h = tf.tidy(() => {
    const standardised = tf.matMul(
      tf.tensor2d(values, [count, width]),
      tf.tensor2d(Float32Array.from(scaled.to1DArray()), [scaled.rows, scaled.columns]),
      false,
      true,
    );
    return tf.add(tf.mul(standardised, Float32Array.from(deviation)), Float32Array.from(mean));
  });
  try {
    return rowsOf(Float32Array.from(await h.data()), mean.length);
  } finally {
    h.dispose();
  }
}
