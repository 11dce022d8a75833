/** Bilinear stretching of small maps, as two matrix products: tfjs's own resampling has no gradient on every backend. */
import * as tf from '@tensorflow/tfjs-core';
import type { Shape } from '../../model/graph.ts';

/** [n, h, w, c] → [n, height, width, c] with pixel centres at half integers; the same tensor where nothing changes. */
export function stretched(x: tf.Tensor4D, [height, width]: Shape): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  if (h === height && w === width) return x;
  const rows = tf.matMul(resampling(h, height), tf.reshape(tf.transpose(x, [1, 0, 2, 3]), [h, n * w * c]));
  const columns = tf.transpose(tf.reshape(rows, [height, n, w, c]), [2, 1, 0, 3]);
  const both = tf.matMul(resampling(w, width), tf.reshape(columns, [w, n * height * c]));
  return tf.transpose(tf.reshape(both, [width, n, height, c]), [1, 2, 0, 3]);
}

/** [to, from]: each row the shares of the two nearest source pixels. */
function resampling(from: number, to: number): tf.Tensor2D {
  const shares = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const centre = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const below = Math.floor(centre);
    const above = Math.min(below + 1, from - 1);
    shares[i * from + below] += 1 - (centre - below);
    shares[i * from + above] += centre - below;
  }
  return tf.tensor2d(shares, [to, from]);
}
