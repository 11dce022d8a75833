import { RefusedError } from '../../errors.ts';
import { elementCount, type IntegerGraph } from '../../model/graph.ts';
import type { Inference } from '../../model/inference.ts';
import { fromNative, type NativeEngine, nativeAddon } from '../../native/addon.ts';
import { calledOff, type Engine, type EngineFactory, type InferOptions } from './contract.ts';

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
  #tickets = 0;

  constructor(graph: IntegerGraph, native: NativeEngine) {
    this.#native = native;
    this.#imageBytes = elementCount(graph.input.shape);
    this.instructionSet = native.instructionSet;
    this.arenaBytes = native.arenaBytes;
  }

  async infer(inputs: Uint8Array, count?: number, { into, signal }: InferOptions = {}): Promise<Inference> {
    if (count !== undefined && inputs.length !== count * this.#imageBytes) {
      throw new RefusedError('INPUT_SIZE', 'The input does not fit the graph', {
        expected: `${count * this.#imageBytes} bytes for ${count} images`,
        received: `${inputs.length} bytes`,
      });
    }
    try {
      return await (signal === undefined
        ? this.#native.infer(inputs, into)
        : this.#inferUnless(signal, inputs, into));
    } catch (error) {
      throw fromNative(error);
    }
  }

  async #inferUnless(signal: AbortSignal, inputs: Uint8Array, into?: Inference): Promise<Inference> {
    if (signal.aborted) throw calledOff(signal);
    const ticket = ++this.#tickets;
    const cancel = () => this.#native.cancel(ticket);
    const answer = this.#native.infer(inputs, into, ticket);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await answer;
    } catch (error) {
      throw isCalledOff(error) ? calledOff(signal) : error;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  async close(): Promise<void> {
    await this.#native.close();
  }
}

function isCalledOff(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ABORTED';
}
