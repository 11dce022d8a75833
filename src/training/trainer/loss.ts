/** What training minimises: weighted cross-entropy with the remedies against rare classes, and distillation. */
import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from '../data/training-data.ts';
import type { LossRecipe } from '../recipes/recipe.ts';

/**
 * Weight of each class's images.
 * `inverseFrequency`: (n / (C·n_c))^power. `effectiveNumber`: (1 − β)/(1 − β^n_c) (Cui et al. 2019, equation 1), brought
 * to a mean of 1 over the images. A class without images weighs 0.
 */
export function classWeights(balance: LossRecipe['balance'], counts: ArrayLike<number>): Float64Array {
  const numbers = Float64Array.from(counts);
  const total = numbers.reduce((sum, count) => sum + count, 0);
  const present = (weight: (count: number) => number) =>
    numbers.map((count) => (count === 0 ? 0 : weight(count)));
  switch (balance.kind) {
    case 'none':
      return present(() => 1);
    case 'inverseFrequency':
      return present((count) => (total / (numbers.length * count)) ** balance.power);
    case 'effectiveNumber': {
      const weights = present((count) => (1 - balance.beta) / (1 - balance.beta ** count));
      const sum = weights.reduce((all, weight, c) => all + weight * numbers[c], 0);
      return weights.map((weight) => (weight * total) / sum);
    }
  }
}

/**
 * τ·log prior of each class, added to the logits in training only (Menon et al. 2021, equation 10). A class without images
 * counts as one.
 */
export function logitAdjustment(tau: number, counts: ArrayLike<number>): Float32Array {
  const numbers = Float64Array.from(counts, (count) => Math.max(count, 1));
  const total = numbers.reduce((sum, count) => sum + count, 0);
  return Float32Array.from(numbers, (count) => tau * Math.log(count / total));
}

/**
 * Share of each log-probability in the loss, [n, classes]: smoothed label distributions, mixed where the batch is, times
 * class weights, over the batch's sum of weights.
 */
export function targetShares(
  { labels, mixed }: Pick<Batch, 'labels' | 'mixed'>,
  weights: Float64Array,
  smoothing: number,
): Float32Array {
  const classes = weights.length;
  const shares = new Float64Array(labels.length * classes);
  let total = 0;
  labels.forEach((label, i) => {
    const own = mixed === null ? 1 : mixed.shares[i];
    const other = mixed === null ? label : mixed.otherLabels[i];
    const weight = own * weights[label] + (1 - own) * weights[other];
    total += weight;
    const row = i * classes;
    for (let c = 0; c < classes; c++) shares[row + c] = (weight * smoothing) / classes;
    shares[row + label] += weight * (1 - smoothing) * own;
    shares[row + other] += weight * (1 - smoothing) * (1 - own);
  });
  return Float32Array.from(shares, (share) => share / Math.max(total, Number.MIN_VALUE));
}

export interface LossInputs {
  /** From `targetShares`. */
  readonly shares: tf.Tensor2D;
  /** From `logitAdjustment`, [classes]. */
  readonly adjustment: tf.Tensor1D;
  /** Probabilities of the teachers at the temperature, [n, classes]. */
  readonly teacher: tf.Tensor2D | null;
  readonly distillation: LossRecipe['distillation'];
}

/**
 * (1 − w)·cross-entropy + w·T²·KL(teacher ‖ student) at temperature T (Hinton et al. 2015, §2), the divergence without
 * the teacher's own entropy, which no weight changes.
 */
export function lossOf(
  logits: tf.Tensor2D,
  { shares, adjustment, teacher, distillation }: LossInputs,
): tf.Scalar {
  const hard = negativeDot(shares, tf.logSoftmax(tf.add(logits, adjustment)));
  if (teacher === null || distillation === null) return hard;
  const { temperature, weight } = distillation;
  const soft = negativeDot(teacher, tf.logSoftmax(tf.div(logits, temperature)));
  const factor = (weight * temperature ** 2) / logits.shape[0];
  return tf.add(tf.mul(hard, 1 - weight), tf.mul(soft, factor));
}

function negativeDot(a: tf.Tensor, b: tf.Tensor): tf.Scalar {
  return tf.neg(tf.sum(tf.mul(a, b)));
}
