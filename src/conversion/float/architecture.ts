/** An architecture with its arrays as a float graph: what conversion folds, quantises and exports. */

import {
  type Architecture,
  type ConvolutionLayer,
  type Layer,
  layerInputs,
  type ReluLayer,
} from '../../model/architecture/architecture.ts';
import { shapesOf } from '../../model/architecture/shapes.ts';
import type { Padding, Shape } from '../../model/graph.ts';
import { type FloatClamp, type FloatGraph, type FloatNode, NO_PADDING } from './graph.ts';

/** Arrays by the names of `parametersOf` and `statisticsOf`. */
export type ArrayLookup = ReadonlyMap<string, { readonly values: ArrayLike<number> }>;

/**
 * One node per layer, batch norms as affine steps with their running statistics. Dropout vanishes; a bounded activation
 * right behind a layer of sums becomes that node's own, under the activation's name.
 * @throws RangeError where an array is missing
 */
export function floatGraphOf(architecture: Architecture, arrays: ArrayLookup): FloatGraph {
  const shapes = shapesOf(architecture);
  const shapeOf = (tensor: string): Shape => shapes.get(tensor) ?? architecture.inputShape;
  const renamed = renamings(architecture);
  const nameOf = (tensor: string): string => renamed.get(tensor) ?? tensor;
  const nodes = architecture.layers.flatMap((layer): FloatNode[] => {
    const name = nameOf(layer.name);
    if (layer.op === 'dropout' || (layer.op === 'relu' && name === nameOf(layer.input))) return [];
    const clamp = clampNamed(architecture, layer, name);
    return [nodeOf(layer, { name, nameOf, shapeOf, arrays, clamp })];
  });
  const output = nameOf(architecture.output);
  const classes = shapeOf(architecture.output)[2];
  const outputOrder = Int32Array.from({ length: classes }, (_, i) => i);
  return { inputShape: architecture.inputShape, nodes, output, outputOrder };
}

interface Context {
  readonly name: string;
  readonly nameOf: (tensor: string) => string;
  readonly shapeOf: (tensor: string) => Shape;
  readonly arrays: ArrayLookup;
  readonly clamp: FloatClamp | null;
}

/** Dropouts go by the name of their input; layers of sums by that of the activation that alone reads them. */
function renamings({ layers, output }: Architecture): Map<string, string> {
  const renamed = new Map<string, string>();
  for (const layer of layers) {
    if (layer.op === 'dropout') renamed.set(layer.name, renamed.get(layer.input) ?? layer.input);
    if (layer.op !== 'relu' || layer.input === output) continue;
    const maker = layers.find(({ name }) => name === layer.input);
    const readers = layers.filter((reader) => layerInputs(reader).includes(layer.input));
    if (maker !== undefined && readers.length === 1 && takesClamp(maker)) renamed.set(maker.name, layer.name);
  }
  return renamed;
}

function takesClamp({ op }: Layer): boolean {
  return op === 'convolution' || op === 'depthwise' || op === 'dense' || op === 'add' || op === 'multiply';
}

function clampNamed({ layers }: Architecture, layer: Layer, name: string): FloatClamp | null {
  if (name === layer.name || !takesClamp(layer)) return null;
  const activation = layers.find((other): other is ReluLayer => other.op === 'relu' && other.name === name);
  return activation === undefined ? null : boundsOf(activation);
}

function boundsOf({ maximum }: ReluLayer): FloatClamp {
  return { minimum: 0, maximum: maximum ?? Number.POSITIVE_INFINITY };
}

function nodeOf(layer: Layer, { name, nameOf, shapeOf, arrays, clamp }: Context): FloatNode {
  const base = { name, shape: shapeOf(layer.name), sources: [layer.name], rewrites: [] };
  const array = (role: string): ArrayLike<number> => {
    const found = arrays.get(`${layer.name}/${role}`);
    if (found === undefined) throw new RangeError(`No array is named ${layer.name}/${role}`);
    return found.values;
  };
  const biased = (layer: { readonly bias: boolean }) =>
    layer.bias ? Float64Array.from(array('bias')) : new Float64Array(base.shape[2]);
  switch (layer.op) {
    case 'convolution':
    case 'depthwise': {
      const channels = shapeOf(layer.input)[2];
      return {
        ...base,
        op: 'convolution',
        input: nameOf(layer.input),
        kernel: [layer.kernel, layer.kernel],
        stride: [layer.stride, layer.stride],
        padding: borderPadding(shapeOf(layer.input), layer),
        groups: layer.op === 'depthwise' ? channels : 1,
        paddingValues: null,
        weights: outputFirst(array('weights'), base.shape[2]),
        bias: biased(layer),
        clamp,
      };
    }
    case 'dense': {
      const weights = outputFirst(array('weights'), layer.units);
      return { ...base, op: 'dense', input: nameOf(layer.input), weights, bias: biased(layer), clamp };
    }
    case 'batchNorm': {
      const [scale, offset, mean, variance] = ['scale', 'offset', 'mean', 'variance'].map(array);
      const factors = Float64Array.from(scale, (γ, c) => γ / Math.sqrt(variance[c] + layer.epsilon));
      const offsets = factors.map((factor, c) => offset[c] - mean[c] * factor);
      return { ...base, op: 'affine', input: nameOf(layer.input), scale: factors, offset: offsets };
    }
    case 'relu':
      return { ...base, op: 'clamp', input: nameOf(layer.input), clamp: boundsOf(layer) };
    case 'concat':
      return { ...base, op: 'concat', inputs: layer.inputs.map(nameOf) };
    case 'add':
      return { ...base, op: 'add', inputs: layer.inputs.map(nameOf), clamp };
    case 'multiply':
      return { ...base, op: 'multiply', input: nameOf(layer.input), gate: nameOf(layer.gate), clamp };
    case 'averagePool':
      return { ...base, op: 'averagePool', ...poolOf(layer.size, nameOf(layer.input)), ...AVERAGE };
    case 'maxPool':
      return { ...base, op: 'maxPool', ...poolOf(layer.size, nameOf(layer.input)) };
    case 'globalMean': {
      const [height, width] = shapeOf(layer.input);
      const window = { ...poolOf(1, nameOf(layer.input)), kernel: [height, width] as const };
      return { ...base, op: 'averagePool', ...window, ...AVERAGE };
    }
    case 'sigmoid':
    case 'flatten':
      return { ...base, op: layer.op, input: nameOf(layer.input) };
    case 'dropout':
      throw new RangeError(`Dropout ${layer.name} has no node`);
  }
}

const AVERAGE = { countPadding: false, clamp: null } as const;

function poolOf(size: number, input: string) {
  return { input, kernel: [size, size] as const, stride: [size, size] as const, padding: NO_PADDING };
}

/** The zeros around an image, as `WindowLayer` has them. */
export function borderPadding(
  [height, width]: Shape,
  { kernel, stride, border }: Pick<ConvolutionLayer, 'kernel' | 'stride' | 'border'>,
): Padding {
  if (border === 'centred') {
    const side = (kernel - 1) / 2;
    return { top: side, left: side, bottom: side, right: side };
  }
  const total = (extent: number) => Math.max((Math.ceil(extent / stride) - 1) * stride + kernel - extent, 0);
  const [rows, columns] = [total(height), total(width)];
  const [top, left] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  return { top, left, bottom: rows - top, right: columns - left };
}

/** […, outputs] → [outputs, …]. A depthwise layer's [row, column, channel, 1] is […, channels] too. */
function outputFirst(values: ArrayLike<number>, outputs: number): Float64Array {
  const perOutput = values.length / outputs;
  return Float64Array.from(
    { length: values.length },
    (_, i) => values[(i % perOutput) * outputs + Math.floor(i / perOutput)],
  );
}
