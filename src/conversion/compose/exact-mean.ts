/**
 * The mean over all places before the answer, without the rounding to eight bits that a tensor of its own would cost: the
 * head reads every place, each with the same weights. Two logits that lie closer than that rounding stay apart.
 */
import { MAXIMUM_PLACES } from '../../model/embedding.ts';
import { applyEdit, coversMap, type GraphView, viewOf } from '../float/edit.ts';
import type { FloatAveragePool, FloatDense, FloatGraph, FloatNode } from '../float/graph.ts';

/** Of the head: memory and time of a small convolution. */
const MOST_WEIGHTS = 2 ** 19;
/** Of one logit: their products with bytes fit into 32 bits, whatever they are. */
const MOST_INPUTS = 2 ** 16;

/** What the mean is read by: weights and bias of each output. */
type Head = Pick<FloatDense, 'weights' | 'bias' | 'clamp' | 'name' | 'shape' | 'sources' | 'rewrites'>;

/** The same function of the image; the graph itself where it does not end so, or the head would become too large. */
export function withExactMean(graph: FloatGraph): FloatGraph {
  const view = viewOf(graph);
  const end = view.maker(graph.output);
  if (end?.op === 'averagePool') return rewritten(view, end, headOfMean(end));
  const mean = end?.op === 'dense' ? view.maker(end.input) : undefined;
  if (end?.op !== 'dense' || mean?.op !== 'averagePool' || !view.hasOneUse(mean.name)) return graph;
  return rewritten(view, mean, end);
}

/** Where the mean itself is the answer. */
function headOfMean({ name, shape, sources, rewrites }: FloatAveragePool): Head {
  const [, , channels] = shape;
  const weights = new Float64Array(channels * channels);
  for (let c = 0; c < channels; c++) weights[c * channels + c] = 1;
  return { name, shape, sources, rewrites, weights, bias: new Float64Array(channels), clamp: null };
}

function rewritten(view: GraphView, mean: FloatAveragePool, head: Head): FloatGraph {
  const { graph } = view;
  const [height, width, channels] = view.maker(mean.input)?.shape ?? graph.inputShape;
  const step = stepOf(height, width);
  if (!coversMap(view, mean) || mean.clamp !== null || step === null) return graph;
  const [rows, columns] = [height / step, width / step];
  const places = rows * columns;
  const isSmall = places * channels <= MOST_INPUTS && places * head.weights.length <= MOST_WEIGHTS;
  if (places === 1 || !isSmall) return graph;

  const { sources } = mean;
  const parts: FloatNode[] = [];
  const source = step === 1 ? mean.input : `${mean.name}.parts`;
  if (step > 1) {
    const window = { kernel: [step, step], stride: [step, step] } as const;
    parts.push({ ...mean, ...window, name: source, shape: [rows, columns, channels] });
  }
  const flat = `${mean.name}.places`;
  const shape = [1, 1, places * channels] as const;
  parts.push({ op: 'flatten', name: flat, shape, sources, rewrites: [], input: source });
  parts.push({
    ...head,
    op: 'dense',
    input: flat,
    weights: repeated(head.weights, channels, places),
    rewrites: [...head.rewrites, 'mean over all places within the head'],
  });
  return applyEdit(graph, {
    replace: new Map([
      [mean.name, []],
      [head.name, parts],
    ]),
  });
}

/** Side of the squares over which is pooled first, so that few enough places are left; null where none divides the map. */
function stepOf(height: number, width: number): number | null {
  for (let step = 1; step < Math.max(2, Math.min(height, width)); step++) {
    const divides = height % step === 0 && width % step === 0;
    if (divides && (height * width) / step ** 2 <= MAXIMUM_PLACES) return step;
  }
  return null;
}

/** The weights of each output once for each place, in the order in which a map is flattened. */
function repeated(weights: Float64Array, channels: number, places: number): Float64Array {
  const all = new Float64Array(weights.length * places);
  for (let at = 0; at < all.length; at++) {
    const output = Math.floor(at / (channels * places));
    all[at] = weights[output * channels + (at % channels)] / places;
  }
  return all;
}
