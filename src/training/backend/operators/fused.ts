/** Whether the active backend has a native kernel, and how to call it. */
import * as tf from '@tensorflow/tfjs-core';

/** Kernels of the project's own; tfjs's registry knows them by these names. */
export const FUSED = {
  fakeQuantise: 'SpikescopeFakeQuantise',
  fakeQuantiseGradient: 'SpikescopeFakeQuantiseGradient',
  batchNorm: 'SpikescopeBatchNorm',
  batchNormGradient: 'SpikescopeBatchNormGradient',
  dropout: 'SpikescopeDropout',
  adamW: 'SpikescopeAdamW',
  reluGradient: 'SpikescopeReluGradient',
  relu6Gradient: 'SpikescopeRelu6Gradient',
  sigmoidGradient: 'SpikescopeSigmoidGradient',
  clipGradient: 'SpikescopeClipGradient',
} as const;

export type FusedKernel = (typeof FUSED)[keyof typeof FUSED];

export function isFused(kernel: FusedKernel): boolean {
  // tfjs declares the kernel as always present; for an unregistered one it returns undefined.
  const found: tf.KernelConfig | undefined = tf.getKernel(kernel, tf.getBackend());
  return found !== undefined;
}

/** Runs a kernel of several results through tfjs's engine, which records it for the gradient. */
export function runFused(
  kernel: FusedKernel,
  inputs: tf.NamedTensorMap,
  attributes: tf.NamedAttrMap = {},
): tf.Tensor[] {
  return tf.engine().runKernel<tf.Tensor[]>(kernel, inputs, attributes);
}
