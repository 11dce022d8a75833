/** Registers the backend, its kernels and its gradients with tfjs. */
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { SpikescopeError } from '../../../errors.ts';
import { torchAddon } from './addon.ts';
import { registerTorchGradients } from './gradients.ts';
import { elementwise } from './kernels/elementwise.ts';
import { activationGradients, fused } from './kernels/fused.ts';
import { indexing } from './kernels/indexing.ts';
import type { KernelTable } from './kernels/kernel.ts';
import { linear } from './kernels/linear.ts';
import { reduction } from './kernels/reduction.ts';
import { shape } from './kernels/shape.ts';
import { window } from './kernels/window.ts';
import { TORCH, TorchBackend } from './torch-backend.ts';

/** tfjs's kernels that the backend computes, and the project's own. */
export const TORCH_KERNELS: KernelTable = {
  ...elementwise,
  ...reduction,
  ...shape,
  ...indexing,
  ...window,
  ...linear,
  ...activationGradients,
  ...fused,
};

/**
 * Registers the backend with tfjs, once; `tf.setBackend` then makes it the active one.
 * @param threads for the kernels; all cores unless told otherwise
 * @returns its name in tfjs
 * @throws SpikescopeError as `torchAddon` does
 */
export function registerTorchBackend(threads = availableParallelism()): string {
  const addon = torchAddon();
  if (addon.threads() !== threads) addon.setThreads(threads);
  if (tf.findBackend(TORCH) !== null) return TORCH;
  tf.registerBackend(TORCH, () => new TorchBackend(addon), 0);
  for (const [kernelName, body] of Object.entries(TORCH_KERNELS)) register(kernelName, body);
  for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
    if (!(kernelName in TORCH_KERNELS)) register(kernelName, () => refuse(kernelName));
  }
  registerTorchGradients();
  return TORCH;
}

function register(kernelName: string, body: KernelTable[string]): void {
  tf.registerKernel({
    kernelName,
    backendName: TORCH,
    // tfjs calls a backend's kernels with that backend, which it declares as any object.
    kernelFunc: ({ inputs, backend, attrs }) =>
      body({ inputs, backend: backend as TorchBackend, attrs: attrs ?? {} }),
  });
}

function refuse(kernelName: string): never {
  throw new SpikescopeError('KERNEL_UNSUPPORTED', `The torch backend has no kernel ${kernelName}`, {
    node: kernelName,
    remedy: 'train on tfjs-node or cpu, or compose the operation of kernels that the torch backend has',
  });
}
