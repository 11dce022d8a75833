/** Which implementation of tfjs's kernels trains. */
import * as tf from '@tensorflow/tfjs-core';
// Registers tfjs's gradients, which the core package leaves out, and the pure JavaScript backend.
import '@tensorflow/tfjs';
import { reasonOf, SpikescopeError } from '../../errors.ts';

/**
 * `torch`: this project's, on libtorch; `tfjs-node`: TensorFlow's C library; `cpu`: JavaScript, about 2,000 times slower.
 */
export type BackendName = 'torch' | 'tfjs-node' | 'cpu';

const BEST_FIRST: readonly BackendName[] = ['torch', 'tfjs-node', 'cpu'];

export interface BackendOptions {
  /** Threads of the `torch` backend; all cores unless told otherwise. */
  readonly threads?: number;
}

const PREPARE: Record<BackendName, (options: BackendOptions) => Promise<string>> = {
  torch: async ({ threads }) => (await import('./torch/register.ts')).registerTorchBackend(threads),
  'tfjs-node': async () => {
    // The name is a variable because the package, an optional peer, is absent where this is compiled.
    const name = '@tensorflow/tfjs-node';
    await import(name);
    return 'tensorflow';
  },
  cpu: async () => {
    // Silences the advice to install tfjs-node.
    tf.env().set('PROD', true);
    return 'cpu';
  },
};

const REMEDY: Record<BackendName, string> = {
  torch: 'sudo apt-get install libtorch-dev && npm run build',
  'tfjs-node':
    'npm install --no-save @tensorflow/tfjs-node (Node 20 or 22, and access to its download server)',
  cpu: 'npm install',
};

/**
 * Makes a backend the one that tfjs runs on.
 * @param preference without it the first of torch, tfjs-node, cpu that works here
 * @returns the one in use
 * @throws SpikescopeError `BACKEND_MISSING` when the preferred one does not work here; says what to type
 */
export async function useBackend(
  preference?: BackendName,
  options: BackendOptions = {},
): Promise<BackendName> {
  const candidates = preference === undefined ? BEST_FIRST : [preference];
  const causes: string[] = [];
  for (const name of candidates) {
    try {
      await tf.setBackend(await PREPARE[name](options));
      await tf.ready();
      return name;
    } catch (cause) {
      causes.push(`${name}: ${reasonOf(cause)}`);
    }
  }
  throw new SpikescopeError('BACKEND_MISSING', `Cannot train on ${candidates.join(', ')}`, {
    received: causes.join('; '),
    remedy: REMEDY[preference ?? 'torch'],
  });
}
