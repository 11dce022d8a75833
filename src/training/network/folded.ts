/**
 * The folded float graph as an architecture again, so that quantisation-aware training sees exactly the converter's tensors.
 */
import { isDeepStrictEqual } from 'node:util';
import { borderPadding } from '../../conversion/float/architecture.ts';
import {
  type FloatConvolution,
  type FloatGraph,
  type FloatNode,
  floatInputsOf,
  isPadded,
  shapeIn,
} from '../../conversion/float/graph.ts';
import { nameOf } from '../../conversion/formula/formula.ts';
import { SpikescopeError } from '../../errors.ts';
import type { Architecture, Layer } from '../../model/architecture/architecture.ts';
import type { Arrays, NamedArray } from '../../model/checkpoint/format.ts';

export interface FoldedNetwork {
  readonly architecture: Architecture;
  readonly parameters: Arrays;
}

/**
 * Tensors keep the names of the graph's nodes; the sums below a fused activation become `….sum`.
 * `floatGraphOf` makes the same graph of the result.
 * @throws SpikescopeError `FOLDED_FORM` for what an architecture cannot say
 */
export function architectureOf(graph: FloatGraph, name: string): FoldedNetwork {
  const parameters = new Map<string, NamedArray>();
  const layers = graph.nodes.flatMap((node): Layer[] => {
    const clamp = 'clamp' in node ? node.clamp : null;
    const sumName = clamp === null ? node.name : `${node.name}.sum`;
    const layer = layerOf(node, sumName, graph);
    storeParameters(node, layer, parameters);
    if (clamp === null) return [layer];
    if (clamp.minimum !== 0) throw unsayable(node, 'an activation bounded below by 0', `${clamp.minimum}`);
    const maximum = clamp.maximum === Number.POSITIVE_INFINITY ? null : clamp.maximum;
    return node.op === 'clamp'
      ? [{ op: 'relu', name: node.name, input: node.input, maximum }]
      : [layer, { op: 'relu', name: node.name, input: sumName, maximum }];
  });
  if (graph.outputOrder.some((output, index) => output !== index)) {
    throw new SpikescopeError(
      'FOLDED_FORM',
      'The logits of this graph do not stand in the order of its output',
    );
  }
  return { architecture: { name, inputShape: graph.inputShape, layers, output: graph.output }, parameters };
}

function layerOf(node: FloatNode, name: string, graph: FloatGraph): Layer {
  const square = ([height, width]: readonly [number, number]): number => {
    if (height !== width) throw unsayable(node, 'a square window', `${height}×${width}`);
    return height;
  };
  switch (node.op) {
    case 'convolution':
      return convolutionLayer(node, name, graph);
    case 'dense':
      return { op: 'dense', name, input: node.input, units: node.shape[2], bias: true };
    case 'clamp':
      return { op: 'relu', name, input: node.input, maximum: null };
    case 'sigmoid':
    case 'flatten':
      return { op: node.op, name, input: node.input };
    case 'concat':
    case 'add':
      return { op: node.op, name, inputs: node.inputs };
    case 'multiply':
      return { op: 'multiply', name, input: node.input, gate: node.gate };
    case 'averagePool':
    case 'maxPool': {
      const [height, width] = shapeIn(graph, node.input);
      if (node.op === 'averagePool' && String(node.kernel) === `${height},${width}`) {
        return { op: 'globalMean', name, input: node.input };
      }
      const size = square(node.kernel);
      const beside = square(node.stride) === size && !isPadded(node.padding);
      if (!beside) throw unsayable(node, 'windows side by side', `stride ${node.stride.join('×')}`);
      return { op: node.op, name, input: node.input, size };
    }
    case 'function':
      throw unsayable(node, 'bounded ReLUs and sigmoids', nameOf(node.formula));
    case 'select':
    case 'extremum':
    case 'channelMaximum':
      throw unsayable(node, 'no choice and no comparison of tensors', node.op);
    case 'affine':
    case 'pad':
      throw unsayable(node, 'a folded graph', node.op);
  }
}

const BORDERS = [{}, { border: 'centred' }] as const;

function convolutionLayer(node: FloatConvolution, name: string, graph: FloatGraph): Layer {
  const { kernel, stride, groups, input } = node;
  const channels = shapeIn(graph, input)[2];
  const square = { kernel: kernel[0], stride: stride[0] };
  const border = BORDERS.find((one) =>
    isDeepStrictEqual(borderPadding(shapeIn(graph, input), { ...square, ...one }), node.padding),
  );
  const symmetric = kernel[0] === kernel[1] && kernel[0] % 2 === 1 && stride[0] === stride[1];
  if (border === undefined || !symmetric || node.paddingValues !== null) {
    throw unsayable(node, 'an odd square kernel within a border of zeros', kernel.join('×'));
  }
  const window = { name, input, ...square, bias: true, ...border };
  if (groups === 1) return { op: 'convolution', filters: node.shape[2], ...window };
  if (groups !== channels || node.shape[2] !== channels) {
    throw unsayable(node, 'one group, or one filter per channel', `${groups} groups`);
  }
  return { op: 'depthwise', ...window };
}

function storeParameters(node: FloatNode, layer: Layer, parameters: Map<string, NamedArray>): void {
  if (node.op !== 'convolution' && node.op !== 'dense') return;
  const outputs = node.bias.length;
  const perOutput = node.weights.length / outputs;
  const values = Float32Array.from(
    { length: node.weights.length },
    (_, i) => node.weights[(i % outputs) * perOutput + Math.floor(i / outputs)],
  );
  const shape =
    node.op === 'dense'
      ? [perOutput, outputs]
      : layer.op === 'depthwise'
        ? [...node.kernel, outputs, 1]
        : [...node.kernel, perOutput / (node.kernel[0] * node.kernel[1]), outputs];
  parameters.set(`${layer.name}/weights`, { shape, values });
  parameters.set(`${layer.name}/bias`, { shape: [outputs], values: Float32Array.from(node.bias) });
}

function unsayable(node: FloatNode, expected: string, received: string): SpikescopeError {
  return new SpikescopeError('FOLDED_FORM', `Quantised training has no layer for a ${node.op} of this form`, {
    node: [node.name, ...floatInputsOf(node)].join(' of '),
    expected,
    received,
  });
}
