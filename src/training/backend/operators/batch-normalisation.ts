/** Batch normalisation with the statistics of the batch (Ioffe and Szegedy 2015, algorithm 1). */
import * as tf from '@tensorflow/tfjs-core';
import { FUSED, isFused, runFused } from './fused.ts';

export interface BatchNormalised {
  /** Shape of the input. */
  readonly y: tf.Tensor;
  /** Mean per channel, [C]. For tracking: no gradient flows through it. */
  readonly mean: tf.Tensor1D;
  /**
   * Variance per channel, [C], divided by n: the one that `y` was normalised with. Times n/(n − 1) it is the unbiased
   * estimate that running statistics commonly track. No gradient flows through it.
   */
  readonly variance: tf.Tensor1D;
}

/**
 * y = γ·(x − mean)/√(variance + ε) + β over all axes but the last.
 * @param x float32, [..., C], at least two values per channel for a useful result
 * @param gamma γ, [C]
 * @param beta β, [C]
 * @param epsilon ε above zero, added to the variance
 */
export function batchNormTraining(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
): BatchNormalised {
  if (!isFused(FUSED.batchNorm)) return batchNormTrainingPlain(x, gamma, beta, epsilon);
  const [y, mean, variance] = runFused(FUSED.batchNorm, { x, gamma, beta }, { epsilon });
  return { y, mean: mean as tf.Tensor1D, variance: variance as tf.Tensor1D };
}

/** `batchNormTraining` in tfjs's own operators, differentiated by tfjs. */
export function batchNormTrainingPlain(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
): BatchNormalised {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const mean = tf.mean(x, axes);
  const centred = tf.sub(x, mean);
  const variance = tf.mean(tf.square(centred), axes);
  const y = tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon))), gamma), beta);
  return { y, mean: withoutGradient(mean), variance: withoutGradient(variance) };
}

function withoutGradient(x: tf.Tensor): tf.Tensor1D {
  const constant = tf.customGrad((value) => ({
    value: tf.clone(value as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
  }));
  return constant(x) as tf.Tensor1D;
}
