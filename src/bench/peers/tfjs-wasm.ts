/** tfjs on its WebAssembly backend, which computes in float with XNNPACK's kernels, on one thread. */
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core';
import type { FloatGraph } from '../../conversion/float/graph.ts';
import { SpikescopeError } from '../../errors.ts';
import type { Peer, PeerSource } from './peer.ts';
import { compileForTfjs, type Tfjs } from './tfjs-graph.ts';

export const TFJS_WASM = 'tfjs-wasm';

/** @throws SpikescopeError `TFJS_MISSING` when the optional packages are not installed */
async function loadTfjs(): Promise<Tfjs> {
  try {
    const [tf] = await Promise.all([
      import('@tensorflow/tfjs-core'),
      import('@tensorflow/tfjs-backend-wasm'),
    ]);
    if (!(await tf.setBackend('wasm'))) throw new Error('the backend does not start');
    await tf.ready();
    return tf;
  } catch (cause) {
    throw new SpikescopeError('TFJS_MISSING', 'tfjs with its WebAssembly backend is not installed here', {
      expected: '@tensorflow/tfjs-core and @tensorflow/tfjs-backend-wasm',
      remedy: 'run `npm install --include=dev` in a checkout of this project',
      cause,
    });
  }
}

/** @param graph folded; its operators become tfjs's own, activations fused where tfjs fuses them */
export function tfjsWasmPeer(graph: FloatGraph): PeerSource {
  return { name: TFJS_WASM, open: async () => open(await loadTfjs(), graph) };
}

function open(tf: Tfjs, graph: FloatGraph): Peer {
  const network = compileForTfjs(tf, graph);
  const prepared: Tensor[] = [];
  return {
    prepare: (images, count) => {
      const values = Float32Array.from(images, (value) => value / 255);
      const image = tf.tensor4d(values, [count, ...graph.inputShape]);
      prepared.push(image);
      return async () => answer(tf, network.run, image, graph.outputOrder);
    },
    close: async () => {
      for (const tensor of prepared) tensor.dispose();
      network.dispose();
    },
  };
}

function answer(
  tf: Tfjs,
  run: (image: Tensor4D) => Tensor,
  image: Tensor4D,
  order: Int32Array,
): Float32Array {
  const output = tf.tidy(() => run(image));
  const values = output.dataSync();
  output.dispose();
  const classes = order.length;
  return Float32Array.from(values, (_, i) => values[i - (i % classes) + order[i % classes]]);
}
