/** Where the time of one inference goes, layer by layer. */
import { RefusedError } from '../../errors.ts';
import { sumOfMultiplyAdds } from '../../model/cost.ts';
import { elementCount, type IntegerGraph } from '../../model/graph.ts';
import { fromNative, nativeAddon } from '../../native/addon.ts';
import type { EngineOptions } from './contract.ts';

/** One step of the engine: a layer, or several that it computes together. */
export interface LayerProfile {
  /** Names of its nodes in the graph's order; `head` alone for the head, which comes last. */
  readonly nodes: readonly string[];
  /** Whether one of them is a convolution, the head and dense layers not counted. */
  readonly convolution: boolean;
  /** Multiply-adds of one image, those of `multiplyAddsOf` summed over the nodes. */
  readonly multiplyAdds: number;
  /** Of these, 8-bit ones with weights: convolutions, dense layers and the head. */
  readonly weightMultiplyAdds: number;
  /** Median over the rounds: one image, one thread. */
  readonly nanoseconds: number;
}

export interface ProfileOptions {
  readonly instructionSet?: EngineOptions['instructionSet'];
  /** Runs of which the median is taken, 1…10,000. Default 200. */
  readonly rounds?: number;
}

const DEFAULT_ROUNDS = 200;

/**
 * Times every step of the engine on one image, on the calling thread, which it keeps busy for `rounds` inferences.
 * @throws UsageError `INSTRUCTION_SET`
 * @throws RefusedError `INPUT_SIZE`, and what `createCpuEngine` throws
 */
export async function profileLayers(
  graph: IntegerGraph,
  input: Uint8Array,
  { instructionSet, rounds = DEFAULT_ROUNDS }: ProfileOptions = {},
): Promise<LayerProfile[]> {
  const expected = elementCount(graph.input.shape);
  if (input.length !== expected) {
    throw new RefusedError('INPUT_SIZE', 'The input does not fit the graph', {
      expected: `${expected} bytes for one image`,
      received: `${input.length} bytes`,
    });
  }
  try {
    const engine = nativeAddon().createEngine(graph, instructionSet === undefined ? {} : { instructionSet });
    try {
      return engine.profile(input, rounds).map(({ nodes, nanoseconds }) => ({
        ...(nodes.length === 0 ? headCost(graph) : costOf(graph, nodes)),
        nanoseconds,
      }));
    } finally {
      await engine.close();
    }
  } catch (error) {
    throw fromNative(error);
  }
}

type Cost = Omit<LayerProfile, 'nanoseconds'>;

function headCost({ head }: IntegerGraph): Cost {
  const multiplyAdds = head.weights.length;
  return { nodes: ['head'], convolution: false, multiplyAdds, weightMultiplyAdds: multiplyAdds };
}

function costOf(graph: IntegerGraph, names: readonly string[]): Cost {
  const nodes = graph.nodes.filter(({ name }) => names.includes(name));
  return {
    nodes: names,
    convolution: nodes.some(({ op }) => op === 'convolution'),
    multiplyAdds: sumOfMultiplyAdds(nodes),
    weightMultiplyAdds: sumOfMultiplyAdds(nodes.filter(({ op }) => op === 'convolution' || op === 'dense')),
  };
}
