/** AdamW (Loshchilov and Hutter 2019, algorithm 2) for a list of parameters, with a moving average of the weights. */
import * as tf from '@tensorflow/tfjs-core';
import { FUSED, isFused, runFused } from './fused.ts';

/** One parameter and what the optimiser keeps for it; all of the parameter's shape, float32. */
export interface AdamWSlot {
  readonly parameter: tf.Variable;
  readonly firstMoment: tf.Variable;
  readonly secondMoment: tf.Variable;
  /** Exponential moving average of the parameter. */
  readonly average: tf.Variable;
  /** Decoupled decay λ of this parameter; 0 for biases and normalisation. */
  readonly weightDecay: number;
}

export interface AdamWSettings {
  /** Number of this update, from 1. */
  readonly step: number;
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** d of average ← d·average + (1 − d)·parameter; 0 makes the average a copy. */
  readonly averageDecay: number;
}

/**
 * Updates every slot in place:
 *
 *   m ← β₁m + (1 − β₁)g        v ← β₂v + (1 − β₂)g²
 *   p ← p(1 − ηλ) − η·(m/(1 − β₁ᵗ)) / (√(v/(1 − β₂ᵗ)) + ε)
 *   average ← d·average + (1 − d)p
 *
 * @param gradients one per slot, in the same order; they stay the caller's to dispose
 */
export function adamWStep(
  slots: readonly AdamWSlot[],
  gradients: readonly tf.Tensor[],
  settings: AdamWSettings,
): void {
  if (!isFused(FUSED.adamW)) {
    adamWStepPlain(slots, gradients, settings);
    return;
  }
  const inputs: tf.NamedTensorMap = {};
  slots.forEach((slot, index) => {
    inputs[`p${index}`] = slot.parameter;
    inputs[`m${index}`] = slot.firstMoment;
    inputs[`v${index}`] = slot.secondMoment;
    inputs[`a${index}`] = slot.average;
    inputs[`g${index}`] = gradients[index];
  });
  const weightDecay = slots.map((slot) => slot.weightDecay);
  tf.tidy(() => {
    const updated = runFused(FUSED.adamW, inputs, { ...settings, weightDecay });
    slots.forEach((slot, index) => {
      slot.parameter.assign(updated[4 * index]);
      slot.firstMoment.assign(updated[4 * index + 1]);
      slot.secondMoment.assign(updated[4 * index + 2]);
      slot.average.assign(updated[4 * index + 3]);
    });
  });
}

/** `adamWStep` in tfjs's own operators. */
export function adamWStepPlain(
  slots: readonly AdamWSlot[],
  gradients: readonly tf.Tensor[],
  { step, learningRate, beta1, beta2, epsilon, averageDecay }: AdamWSettings,
): void {
  slots.forEach(({ parameter, firstMoment, secondMoment, average, weightDecay }, index) => {
    tf.tidy(() => {
      const gradient = gradients[index];
      const m = blend(firstMoment, gradient, beta1);
      const v = blend(secondMoment, tf.square(gradient), beta2);
      const direction = tf.div(
        tf.div(m, 1 - beta1 ** step),
        tf.add(tf.sqrt(tf.div(v, 1 - beta2 ** step)), epsilon),
      );
      const decayed = tf.mul(parameter, 1 - learningRate * weightDecay);
      const p = tf.sub(decayed, tf.mul(direction, learningRate));
      firstMoment.assign(m);
      secondMoment.assign(v);
      parameter.assign(p);
      average.assign(blend(average, p, averageDecay));
    });
  });
}

/** rate·previous + (1 − rate)·next */
function blend(previous: tf.Tensor, next: tf.Tensor, rate: number): tf.Tensor {
  return tf.add(tf.mul(previous, rate), tf.mul(next, 1 - rate));
}
