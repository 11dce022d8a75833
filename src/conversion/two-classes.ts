/**
 * A network that gives one number tells two classes apart: the sigmoid of that number is the probability of the second. The
 * readout is a softmax, which of the logits 0 and z gives just that.
 */
import { RefusedError } from '../errors.ts';
import { freshName, withoutDeadNodes } from './float/edit.ts';
import type { FloatDense, FloatGraph, FloatNode } from './float/graph.ts';
import type { FloatSource } from './float-source.ts';
import { simplify } from './fold/fold.ts';
import { behindSigmoid } from './fold/function.ts';

const REWRITE = 'one logit as two: 0 for the first class';

/** What a sigmoid at the end is told to have meant. */
const INDEPENDENT =
  'the sigmoid at the end left out: its probabilities stood each for itself, the readout’s sum to 1';

/**
 * The source with a logit for each of two classes, where it gives one number; a sigmoid at its end is left to the readout,
 * also one that is spelled out.
 * @throws RefusedError `ONNX_OUTPUTS` where the number is neither a logit nor a sigmoid
 */
export function withTwoClasses(given: FloatSource, file: string): FloatSource {
  const source = withoutSigmoid(given);
  const { graph, readout, notes } = source;
  if (graph.outputOrder.length !== 1) {
    return readout === 'sigmoid' ? { ...source, notes: [...notes, INDEPENDENT] } : source;
  }
  const simple = simplify(graph);
  const last = simple.nodes.find(({ name }) => name === simple.output);
  if (readout === 'softmax' || last === undefined || !isLinear(last)) {
    throw new RefusedError('ONNX_OUTPUTS', 'The network gives one number, which tells no classes apart', {
      file,
      expected: 'one value per class, or one logit or sigmoid for two classes',
      received:
        readout === 'softmax' ? 'a softmax over one value, which is always 1' : `${last?.op ?? 'nothing'}`,
      remedy: 'export the logits of the classifier',
    });
  }
  return {
    ...source,
    graph: doubled(simple, last),
    notes: [...notes, 'one number at the end: two classes, the second where it is large'],
  };
}

/** The source that ends where a sigmoid at its end begins, however that is spelled. */
function withoutSigmoid(source: FloatSource): FloatSource {
  const output = source.readout === 'none' ? behindSigmoid(source.graph) : null;
  if (output === null) return source;
  return { ...source, graph: withoutDeadNodes({ ...source.graph, output }), readout: 'sigmoid' };
}

/** Whether a node's value may be of either sign, as a logit is; what bounds it then is what bytes can hold. */
function isLinear(node: FloatNode): boolean {
  if (node.op !== 'dense' && node.op !== 'convolution' && node.op !== 'averagePool') return false;
  return node.clamp === null || (node.clamp.minimum < 0 && node.clamp.maximum > 0);
}

function doubled(graph: FloatGraph, last: FloatNode): FloatGraph {
  const history = [...last.rewrites, REWRITE];
  const outputOrder = Int32Array.of(0, 1);
  if (last.op === 'dense') {
    const two: FloatDense = {
      ...last,
      shape: [1, 1, 2],
      weights: Float64Array.from([...new Float64Array(last.weights.length), ...last.weights]),
      bias: Float64Array.of(0, last.bias[0]),
      rewrites: history,
    };
    return { ...graph, nodes: graph.nodes.map((node) => (node === last ? two : node)), outputOrder };
  }
  const head: FloatDense = {
    op: 'dense',
    name: freshName(graph, 'two classes'),
    shape: [1, 1, 2],
    sources: last.sources,
    rewrites: [REWRITE],
    input: last.name,
    weights: Float64Array.of(0, 1),
    bias: Float64Array.of(0, 0),
    clamp: null,
  };
  return { ...graph, nodes: [...graph.nodes, head], output: head.name, outputOrder };
}
