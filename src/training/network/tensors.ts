import * as tf from '@tensorflow/tfjs-core';
import type { NamedArray } from '../../model/checkpoint/format.ts';

export function tensorOf({ shape, values }: NamedArray): tf.Tensor {
  return tf.tensor(values, [...shape], 'float32');
}

/** A copy of a float32 tensor's values. */
export function arrayOf(tensor: tf.Tensor): NamedArray {
  return { shape: [...tensor.shape], values: Float32Array.from(tensor.dataSync<'float32'>()) };
}
