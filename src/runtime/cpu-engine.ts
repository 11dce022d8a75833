import { RefusedError } from '../errors.ts';
import { elementCount, type IntegerGraph } from '../model/graph.ts';
import type { Engine, EngineFactory, Inference } from './engine.ts';
import { fromNative, type NativeEngine, nativeAddon } from './native.ts';

/**
 * The bit-exact integer engine on this processor.
 * @throws UsageError `INSTRUCTION_SET`, `THREADS`
 * @throws RefusedError `GRAPH_INVALID`, `GRAPH_ACCUMULATOR`, naming the node
 * @throws SpikescopeError `ADDON_MISSING`, `ADDON_UNUSABLE`, `OUT_OF_MEMORY`
 */
export const createCpuEngine: EngineFactory = async (graph, options = {}) => {
  const addon = nativeAddon();
  try {
    return new CpuEngine(graph, addon.createEngine(graph, options));
  } catch (error) {
    throw fromNative(error);
  }
};

class CpuEngine implements Engine {
  readonly backend = 'cpu';
  readonly instructionSet: string;
  readonly arenaBytes: number;
  readonly #native: NativeEngine;
  readonly #imageBytes: number;

  constructor(graph: IntegerGraph, native: NativeEngine) {
    this.#native = native;
    this.#imageBytes = elementCount(graph.input.shape);
    this.instructionSet = native.instructionSet;
    this.arenaBytes = native.arenaBytes;
  }

  async infer(inputs: Uint8Array, count?: number): Promise<Inference> {
    if (count !== undefined && inputs.length !== count * this.#imageBytes) {
      throw new RefusedError('INPUT_SIZE', 'The input does not fit the graph', {
        expected: `${count * this.#imageBytes} bytes for ${count} images`,
        received: `${inputs.length} bytes`,
      });
    }
    try {
      return await this.#native.infer(inputs);
    } catch (error) {
      throw fromNative(error);
    }
  }

  async close(): Promise<void> {
    await this.#native.close();
  }
}
