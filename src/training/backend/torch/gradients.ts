/**
 * Gradients in one native pass. tfjs keeps one gradient per kernel for all backends, so those that tfjs composes itself
 * are kept and used wherever another backend is active.
 */
import * as tf from '@tensorflow/tfjs-core';
import { FUSED, type FusedKernel, isFused, runFused } from '../operators/fused.ts';

export function registerTorchGradients(): void {
  preferFused(tf.Relu, FUSED.reluGradient);
  preferFused(tf.Relu6, FUSED.relu6Gradient);
  preferFused(tf.Sigmoid, FUSED.sigmoidGradient);
  preferFused(tf.ClipByValue, FUSED.clipGradient, ({ clipValueMin, clipValueMax }) => ({
    minimum: clipValueMin,
    maximum: clipValueMax,
  }));
  registerOwn();
}

/** For kernels of one input `x` that save one tensor. */
function preferFused(
  kernelName: string,
  fusedKernel: FusedKernel,
  attributesOf: (attrs: tf.NamedAttrMap) => tf.NamedAttrMap = () => ({}),
): void {
  const usual = tf.getGradient(kernelName);
  tf.unregisterGradient(kernelName);
  tf.registerGradient({
    ...usual,
    gradFunc: (dy, saved, attrs) => {
      if (!isFused(fusedKernel)) return usual.gradFunc(dy, saved, attrs);
      return { x: () => runFused(fusedKernel, { dy: first(dy), saved: saved[0] }, attributesOf(attrs))[0] };
    },
  });
}

function registerOwn(): void {
  tf.registerGradient({
    kernelName: FUSED.fakeQuantise,
    inputsToSave: ['x', 'scale', 'zeroPoint'],
    gradFunc: (dy, [x, scale, zeroPoint], attrs) => {
      // At once, not in the functions: tfjs runs each in a scope of its own and disposes what the others would share.
      const [dx, dScale] = runFused(
        FUSED.fakeQuantiseGradient,
        { dy: first(dy), x, scale, zeroPoint },
        attrs,
      );
      return {
        x: () => dx,
        scale: () => dScale ?? tf.zerosLike(scale),
        zeroPoint: () => tf.zerosLike(zeroPoint),
      };
    },
  });
  tf.registerGradient({
    kernelName: FUSED.batchNorm,
    inputsToSave: ['x', 'gamma'],
    outputsToSave: [false, true, true],
    gradFunc: (dy, [x, gamma, mean, variance], attrs) => {
      const inputs = { dy: first(dy), x, gamma, mean, variance };
      const [dx, dGamma, dBeta] = runFused(FUSED.batchNormGradient, inputs, attrs);
      return { x: () => dx, gamma: () => dGamma, beta: () => dBeta };
    },
  });
  tf.registerGradient({
    kernelName: FUSED.dropout,
    gradFunc: (dy, _, attrs) => ({ x: () => runFused(FUSED.dropout, { x: first(dy) }, attrs)[0] }),
  });
}

function first(dy: tf.Tensor | tf.Tensor[]): tf.Tensor {
  return Array.isArray(dy) ? dy[0] : dy;
}
