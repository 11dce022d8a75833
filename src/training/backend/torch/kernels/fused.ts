import type * as tf from '@tensorflow/tfjs-core';
import { FUSED, type FusedKernel } from '../../operators/fused.ts';
import { given, type KernelCall, type KernelTable, listed } from './kernel.ts';

/** Gradients of tfjs's own activations. */
export const activationGradients: KernelTable = {
  ...numbered(FUSED.reluGradient),
  ...numbered(FUSED.relu6Gradient),
  ...numbered(FUSED.sigmoidGradient),
  ...numbered(FUSED.clipGradient, 'minimum', 'maximum'),
};

/** The project's own kernels: inputs in the order in which their operator names them. */
export const fused: KernelTable = {
  ...numbered(FUSED.fakeQuantise, 'minimum', 'maximum'),
  ...numbered(FUSED.fakeQuantiseGradient, 'minimum', 'maximum', 'learnScale'),
  ...numbered(FUSED.batchNorm, 'epsilon'),
  ...numbered(FUSED.batchNormGradient, 'epsilon'),
  ...numbered(FUSED.dropout, 'rate', 'seed'),
  [FUSED.adamW]: ({ inputs, backend, attrs }) => {
    const { step, learningRate, beta1, beta2, epsilon, averageDecay, weightDecay } =
      given<AdamWAttributes>(attrs);
    const numbers = [step, learningRate, beta1, beta2, epsilon, averageDecay, ...weightDecay];
    return backend.run(FUSED.adamW, listed(inputs), numbers);
  },
};

interface AdamWAttributes {
  readonly step: number;
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly averageDecay: number;
  readonly weightDecay: number[];
}

/** A kernel whose attributes are these numbers or flags, in this order. */
function numbered(kernel: FusedKernel, ...attributes: string[]): KernelTable {
  const run = ({ inputs, backend, attrs }: KernelCall): tf.TensorInfo[] =>
    backend.run(
      kernel,
      listed(inputs),
      attributes.map((name) => Number(attrs[name])),
    );
  return { [kernel]: run };
}
