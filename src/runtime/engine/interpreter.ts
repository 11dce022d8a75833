import { setImmediate } from 'node:timers/promises';
import { RefusedError, SpikescopeError, UsageError } from '../../errors.ts';
import { elementCount, type IntegerGraph } from '../../model/graph.ts';
import type { Inference } from '../../model/inference.ts';
import { interpret } from '../../model/interpreter/interpreter.ts';
import { aborted, type Backend, type Engine, type EngineFactory, type InferOptions } from './contract.ts';

/**
 * The reference interpreter behind the engine's interface: hundreds of times slower, and it holds the thread for an
 * image at a time. Serves where no native addon fits the machine, and for comparing answers with the reference's.
 * @throws UsageError `INSTRUCTION_SET` for any but `scalar`
 */
export const createInterpreterEngine: EngineFactory = async (graph, { instructionSet = 'auto' } = {}) => {
  if (instructionSet !== 'auto' && instructionSet !== 'scalar') {
    throw new UsageError('INSTRUCTION_SET', 'The interpreter has no instruction sets', {
      field: 'instructionSet',
      expected: 'auto or scalar',
      received: instructionSet,
    });
  }
  return new InterpreterEngine(graph);
};

export const interpreterBackend: Backend = {
  kind: 'interpreter',
  describe: () => ({
    present: true,
    detail: 'hundreds of times slower than the native engine',
    deviation: null,
  }),
  open: createInterpreterEngine,
};

class InterpreterEngine implements Engine {
  readonly backend = 'interpreter';
  readonly instructionSet = 'scalar';
  readonly arenaBytes = 0;
  readonly #graph: IntegerGraph;
  #closed = false;
  /** Settled when every call so far is over. */
  #calls: Promise<unknown> = Promise.resolve();

  constructor(graph: IntegerGraph) {
    this.#graph = graph;
  }

  async infer(inputs: Uint8Array, count?: number, { into, signal }: InferOptions = {}): Promise<Inference> {
    if (signal?.aborted) throw aborted(signal);
    if (this.#closed) throw new SpikescopeError('ENGINE_CLOSED', 'The engine has been closed');
    const images = this.#imagesOf(inputs, count);
    const answer = this.#calls.then(() => this.#interpret(images, signal));
    this.#calls = answer.catch(() => undefined);
    const inference = await answer;
    return into === undefined ? inference : copied(inference, into);
  }

  /** A copy of each image of a batch. */
  #imagesOf(inputs: Uint8Array, count?: number): Uint8Array[] {
    const size = elementCount(this.#graph.input.shape);
    const images = count ?? inputs.length / size;
    if (!Number.isInteger(images) || images === 0 || inputs.length !== size * images) {
      throw new RefusedError('INPUT_SIZE', 'The input does not fit the graph', {
        expected:
          count === undefined ? `a multiple of ${size} bytes` : `${size * count} bytes for ${count} images`,
        received: `${inputs.length} bytes`,
      });
    }
    return Array.from({ length: images }, (_, i) => inputs.slice(i * size, (i + 1) * size));
  }

  /** Lets others have the thread before each image. */
  async #interpret(images: readonly Uint8Array[], signal?: AbortSignal): Promise<Inference> {
    const potentials: number[] = [];
    const embeddings: Uint8Array[] = [];
    for (const image of images) {
      await setImmediate();
      if (signal?.aborted) throw aborted(signal);
      const result = interpret(this.#graph, image);
      potentials.push(...result.potentials);
      embeddings.push(result.embedding);
    }
    return { potentials: Int32Array.from(potentials), embeddings: new Uint8Array(Buffer.concat(embeddings)) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#calls;
  }
}

function copied({ potentials, embeddings }: Inference, into: Inference): Inference {
  if (into.potentials.length !== potentials.length || into.embeddings.length !== embeddings.length) {
    throw new RefusedError('OUTPUT_SIZE', 'The arrays for the results do not fit the batch', {
      expected: `${potentials.length} potentials and ${embeddings.length} bytes of embeddings`,
      received: `${into.potentials.length} and ${into.embeddings.length}`,
    });
  }
  into.potentials.set(potentials);
  into.embeddings.set(embeddings);
  return into;
}
