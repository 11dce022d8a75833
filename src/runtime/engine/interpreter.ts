import { RefusedError, SpikescopeError } from '../../errors.ts';
import { elementCount, type IntegerGraph } from '../../model/graph.ts';
import type { Inference } from '../../model/inference.ts';
import { interpret } from '../../model/interpreter/interpreter.ts';
import { calledOff, type Engine, type InferOptions } from './contract.ts';

/**
 * The reference interpreter behind an engine's face: thousands of times slower than an engine and it holds the
 * thread; for comparing an appliance's answers with the oracle's, and where the addon is not built.
 */
export async function createInterpreterEngine(graph: IntegerGraph): Promise<Engine> {
  return new InterpreterEngine(graph);
}

class InterpreterEngine implements Engine {
  readonly backend = 'interpreter';
  readonly instructionSet = 'scalar';
  readonly arenaBytes = 0;
  readonly #graph: IntegerGraph;
  #closed = false;

  constructor(graph: IntegerGraph) {
    this.#graph = graph;
  }

  async infer(inputs: Uint8Array, count = 1, { into, signal }: InferOptions = {}): Promise<Inference> {
    if (signal?.aborted) throw calledOff(signal);
    if (this.#closed) throw new SpikescopeError('ENGINE_CLOSED', 'The engine has been closed');
    const size = elementCount(this.#graph.input.shape);
    if (inputs.length !== size * count) {
      throw new SpikescopeError('INPUT_SIZE', 'The input does not fit the graph', {
        expected: `${size * count} bytes for ${count} images`,
        received: `${inputs.length} bytes`,
      });
    }
    const results = Array.from({ length: count }, (_, i) =>
      interpret(this.#graph, inputs.subarray(i * size, (i + 1) * size)),
    );
    const inference = {
      potentials: Int32Array.from(results.flatMap(({ potentials }) => [...potentials])),
      embeddings: Uint8Array.from(results.flatMap(({ embedding }) => [...embedding])),
    };
    return into === undefined ? inference : copied(inference, into);
  }

  async close(): Promise<void> {
    this.#closed = true;
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
