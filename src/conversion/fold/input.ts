/** Normalisation of the image, folded into the layers that read it; the device feeds raw bytes. */
import { RefusedError } from '../../errors.ts';
import { INPUT_NAME } from '../../model/graph.ts';
import { freshName, mergedHistory, withInputs } from '../float/edit.ts';
import {
  type FloatAffine,
  type FloatConvolution,
  type FloatGraph,
  floatInputsOf,
  isPadded,
} from '../float/graph.ts';
import { layerAfterAffine } from './affine.ts';
import type { Rule } from './rule.ts';

/** Per channel, in units of the image's 0…1 range: the network was trained on (x − mean) / std. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const NORMALISATION = 'input normalisation';

/** The graph that takes the image in 0…1 where `graph` takes it normalised. */
export function withNormalisation(graph: FloatGraph, { mean, std }: Normalisation): FloatGraph {
  const name = freshName(graph, 'normalisation');
  const affine: FloatAffine = {
    op: 'affine',
    name,
    shape: graph.inputShape,
    sources: [],
    rewrites: [NORMALISATION],
    input: INPUT_NAME,
    scale: Float64Array.from(std, (value) => 1 / value),
    offset: Float64Array.from(mean, (value, c) => -value / std[c]),
  };
  const nodes = graph.nodes.map((node) =>
    withInputs(node, (tensor) => (tensor === INPUT_NAME ? name : tensor)),
  );
  return { ...graph, nodes: [affine, ...nodes] };
}

/**
 * An affine step on the image goes into the layers that read it. A convolution that pads with normalised zeros now
 * pads with the image value that stands for zero.
 */
export const inputAffineIntoConsumers: Rule = (node, view) => {
  if (node.op !== 'affine' || node.input !== INPUT_NAME) return null;
  const consumers = view.consumers(node.name);
  const layers = consumers.filter((consumer) => consumer.op === 'convolution' || consumer.op === 'dense');
  if (layers.length !== consumers.length || node.name === view.graph.output) return null;
  const fits = layers.every(
    (layer) => layer.op === 'dense' || !isPadded(layer.padding) || canPad(layer, node),
  );
  if (!fits) return null;
  const replaced = layers.map((layer): [string, (FloatConvolution | typeof layer)[]] => {
    const folded = layerAfterAffine(layer, node);
    const history = mergedHistory(node, layer, 'input normalisation folded');
    if (folded.op === 'convolution' && isPadded(folded.padding)) {
      const paddingValues = node.scale.map((scale, c) => -node.offset[c] / scale);
      return [layer.name, [{ ...folded, ...history, paddingValues }]];
    }
    return [layer.name, [{ ...folded, ...history }]];
  });
  return { replace: new Map(replaced) };
};

/** Whether the image value that stands for a normalised zero exists among the bytes. */
function canPad(layer: FloatConvolution, { scale, offset }: FloatAffine): boolean {
  return (
    layer.paddingValues === null &&
    scale.every((factor, c) => factor !== 0 && -offset[c] / factor >= 0 && -offset[c] / factor <= 1)
  );
}

/** @throws RefusedError `INPUT_NORMALISATION` where a normalisation given by option is still a step of its own */
export function refuseLooseNormalisation(graph: FloatGraph): void {
  // Once folded it shares a node with layers of the model, which have sources there.
  const loose = graph.nodes.find(
    ({ sources, rewrites }) => sources.length === 0 && rewrites.includes(NORMALISATION),
  );
  if (loose === undefined) return;
  const readers = graph.nodes.filter((node) => floatInputsOf(node).includes(loose.name));
  throw new RefusedError(
    'INPUT_NORMALISATION',
    'The normalisation of the image cannot be folded into the network',
    {
      node: readers.map((node) => node.name).join(', '),
      expected: 'convolutions or dense layers that read the image, and a mean within 0…1',
      received: [...new Set(readers.map(({ op }) => op))].join(', '),
      remedy: 'put a convolution first, or train on images in 0…1 and leave --mean and --std away',
    },
  );
}
