import { RefusedError, SpikescopeError } from '../../errors.ts';
import { elementCount, type IntegerGraph } from '../../model/graph.ts';
import type { Inference } from '../../model/inference.ts';
import { addonOrFault, fromNative, type NativeEngine, nativeAddon } from '../../native/addon.ts';
import {
  aborted,
  type Backend,
  type BackendDescription,
  type BackendName,
  type Engine,
  type EngineOptions,
  type InferOptions,
} from './contract.ts';

/** A backend of the native addon (native/akida-m2/device/registry.h). */
export function nativeBackend(kind: BackendName): Backend {
  return {
    kind,
    describe: () => describe(kind),
    open: (graph, options) => openNative(kind, graph, heeded(kind, options)),
  };
}

/** Without what only a card heeds, for all others. */
function heeded(kind: BackendName, { device, program, ...others }: EngineOptions = {}): EngineOptions {
  if (kind !== 'akida') return others;
  return { ...others, ...(device !== undefined && { device }), ...(program !== undefined && { program }) };
}

function describe(kind: BackendName): BackendDescription {
  const addon = addonOrFault();
  if (addon instanceof SpikescopeError) return { present: false, fault: addon };
  const backend = addon.backends().find((one) => one.kind === kind);
  if (backend?.present) return { present: true, detail: backend.detail, deviation: backend.deviation };
  const fault = new SpikescopeError('BACKEND_ABSENT', `The backend ${kind} cannot be opened here`, {
    received: backend?.detail ?? 'an addon that is built without it',
  });
  return { present: false, fault };
}

/**
 * Opens a graph on a backend of the native addon.
 * @throws UsageError `INSTRUCTION_SET`, `THREADS`, `BACKEND_UNKNOWN`
 * @throws RefusedError `GRAPH_INVALID`, `GRAPH_ACCUMULATOR`, naming the node; `BACKEND_UNSUPPORTED`, naming the option;
 *   `DEVICE_PROGRAM`
 * @throws SpikescopeError `ADDON_MISSING`, `ADDON_UNUSABLE`, `OUT_OF_MEMORY`, `BACKEND_ABSENT`, `DEVICE_*`
 */
export async function openNative(
  backend: BackendName,
  graph: IntegerGraph,
  options: EngineOptions = {},
): Promise<Engine> {
  const addon = nativeAddon();
  try {
    return new OpenEngine(backend, graph, addon.createEngine(graph, { ...options, backend }));
  } catch (error) {
    throw fromNative(error);
  }
}

class OpenEngine implements Engine {
  readonly backend: BackendName;
  readonly instructionSet: string;
  readonly arenaBytes: number;
  readonly #native: NativeEngine;
  readonly #imageBytes: number;
  #tickets = 0;

  constructor(backend: BackendName, graph: IntegerGraph, native: NativeEngine) {
    this.backend = backend;
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
    if (signal.aborted) throw aborted(signal);
    const ticket = ++this.#tickets;
    const cancel = () => this.#native.cancel(ticket);
    const answer = this.#native.infer(inputs, into, ticket);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await answer;
    } catch (error) {
      throw isAborted(error) ? aborted(signal) : error;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  async close(): Promise<void> {
    await this.#native.close();
  }
}

function isAborted(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ABORTED';
}
