/**
 * Akida 1.0, the generation of AKD1000 and AKD1500: a chain of layers, each with a bounded activation of at most four bits.
 * The rules are those that the vendor's mapper (akida 2.19.3) enforces on its virtual devices.
 */

import { activationBits, signMagnitudeBits } from '../../model/bits.ts';
import {
  type ConvolutionNode,
  type DenseNode,
  type GraphNode,
  INPUT_NAME,
  type IntegerGraph,
  inputsOf,
  type MaxPoolNode,
  type Padding,
  type Shape,
} from '../../model/graph.ts';
import { isSpikeCount } from '../../model/spiking/monotone.ts';
import { tunedForAkida1 } from '../akida1/tune.ts';
import type { Placement, TargetRules } from './target.ts';

const INPUT_LAYER = {
  name: 'InputConvolutional',
  width: { least: 5, most: 256 },
  leastHeight: 5,
  kernels: [3, 5, 7],
  largestStride: 3,
  weightBits: 8,
  /** Most filters by input channels and kernel. */
  filters: { 1: { 3: 512, 5: 192, 7: 96 }, 3: { 3: 192, 5: 64, 7: 32 } } as Readonly<
    Record<number, Readonly<Record<number, number>>>
  >,
  pools: [2],
} as const;

const CONVOLUTIONAL = {
  name: 'Convolutional',
  kernels: [1, 3, 5, 7],
  largestStride: 2,
  /** A stride of 2 goes with this kernel only. */
  stridedKernel: 3,
  weightBits: 4,
  /** Most input channels by kernel: what a processor's filter memory holds. */
  channels: { 1: 448, 3: 448, 5: 448, 7: 149 } as Readonly<Record<number, number>>,
} as const;

const FULLY_CONNECTED = { name: 'FullyConnected', weightBits: 4 } as const;
const ACTIVATION_BITS = 4;

/** Where they differ. */
export interface Akida1Limits {
  /** Sides of a max pool behind a layer other than the first. */
  readonly pools: readonly number[];
  /** Most inputs of a dense layer. */
  readonly inputs: number;
}

export function akida1(limits: Akida1Limits): TargetRules {
  return {
    mapped: 'chip',
    bits: 4,
    exact: tunedForAkida1,
    reasonsAgainst(node, placement) {
      switch (node.op) {
        case 'convolution':
          return convolutionReasons(node, placement);
        case 'dense':
          return [...denseReasons(node.weights, placement, limits), ...activationReasons(node)];
        case 'maxPool':
          return maxPoolReasons(node, placement, limits);
        case 'averagePool':
          return ['Akida 1.0 sums potentials over the map before the activation; this is a mean behind it'];
        case 'flatten':
          return [];
        case 'pad':
          return ['no border of its own; only "same" padding within a convolution'];
        case 'table':
          return [
            'Akida 1.0 has bounded ReLU only, no sigmoid',
            ...(isSpikeCount(node) ? [] : ['this table is not monotone, so that it is no count of spikes']),
          ];
        default:
          return [MISSING[node.op]];
      }
    },
    reasonsAgainstHead: ({ weights }, placement) => denseReasons(weights, placement, limits),
  };
}

const MISSING: Readonly<
  Record<
    Exclude<
      GraphNode['op'],
      'convolution' | 'dense' | 'maxPool' | 'averagePool' | 'flatten' | 'pad' | 'table'
    >,
    string
  >
> = {
  add: 'Akida 1.0 has no add layer',
  concat: 'Akida 1.0 has no concatenation layer',
  multiply: 'Akida 1.0 has no element-wise multiply',
  select: 'Akida 1.0 has no choice of rows, columns or channels',
  extremum: 'Akida 1.0 has no element-wise comparison',
  channelMaximum: 'Akida 1.0 has no maximum over channels',
};

function convolutionReasons(node: ConvolutionNode, placement: Placement): string[] {
  if (node.groups > 1) return ['Akida 1.0 has no stand-alone depthwise or grouped convolution'];
  const layer = placement.isFirst ? INPUT_LAYER : CONVOLUTIONAL;
  const kernels: readonly number[] = layer.kernels;
  const [size] = node.kernel;
  const [step] = node.stride;
  const bits = signMagnitudeBits(node.weights);
  const reasons = reasonsUnless([
    [
      node.kernel[0] === node.kernel[1] && kernels.includes(size),
      `kernel ${node.kernel.join('×')} is not one of ${kernels.join(', ')}`,
    ],
    [
      node.stride[0] === node.stride[1] && step <= layer.largestStride,
      `stride ${node.stride.join('×')} exceeds ${layer.largestStride}`,
    ],
    ...(placement.isFirst
      ? inputLayerRules(node, placement.inputShape)
      : innerLayerRules(node, placement.inputShape)),
    [hasSamePadding(node, placement.inputShape), 'padding is not "same"'],
    [bits <= layer.weightBits, `weights need ${bits} bits, at most ${layer.weightBits}`],
  ]);
  return [...reasons.map((reason) => `${layer.name}: ${reason}`), ...activationReasons(node)];
}

/** What must hold, and the reason against the node where it does not. */
type Rule = readonly [holds: boolean, reason: string];

function reasonsUnless(rules: readonly Rule[]): string[] {
  return rules.flatMap(([holds, reason]) => (holds ? [] : [reason]));
}

function inputLayerRules(node: ConvolutionNode, [height, width, channels]: Shape): Rule[] {
  const { least, most } = INPUT_LAYER.width;
  const limit = INPUT_LAYER.filters[channels]?.[node.kernel[0]];
  const filters = node.bias.length;
  return [
    [
      width >= least && width <= most && height >= INPUT_LAYER.leastHeight,
      `an image of ${height}×${width} is out of range`,
    ],
    [channels === 1 || channels === 3, `${channels} channels, not 1 or 3`],
    [limit === undefined || filters <= limit, `${filters} filters, at most ${limit}`],
    [
      node.paddingValues.every((value) => value === node.paddingValues[0]),
      'one padding value for all channels, but the mean of the normalisation differs by channel',
    ],
    [
      node.weights.some((weight) => weight !== 0),
      'every weight is zero, which the mapper does not take for this layer',
    ],
  ];
}

function innerLayerRules(node: ConvolutionNode, [, , channels]: Shape): Rule[] {
  const limit = CONVOLUTIONAL.channels[node.kernel[0]];
  return [
    [
      node.stride[0] === 1 || node.kernel[0] === CONVOLUTIONAL.stridedKernel,
      'a stride of 2 needs a 3×3 kernel',
    ],
    [limit === undefined || channels <= limit, `${channels} input channels, at most ${limit}`],
  ];
}

/** Output extents are ⌈input / stride⌉, and of an odd number of border rows the one more lies below. */
function hasSamePadding({ kernel, stride, padding }: ConvolutionNode, [height, width]: Shape): boolean {
  const border = (axis: 0 | 1, extent: number): [before: number, after: number] => {
    const reach = (Math.ceil(extent / stride[axis]) - 1) * stride[axis] + kernel[axis];
    const total = Math.max(reach - extent, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  };
  const [top, bottom] = border(0, height);
  const [left, right] = border(1, width);
  return equalPadding(padding, { top, left, bottom, right });
}

function equalPadding(a: Padding, b: Padding): boolean {
  return a.top === b.top && a.left === b.left && a.bottom === b.bottom && a.right === b.right;
}

function denseReasons(weights: Int8Array, { graph, inputShape }: Placement, limits: Akida1Limits): string[] {
  const inputs = inputShape[0] * inputShape[1] * inputShape[2];
  const bits = signMagnitudeBits(weights);
  const isFirst = !graph.nodes.some(({ op }) => op === 'convolution');
  return reasonsUnless([
    [!isFirst, 'only an InputConvolutional reads the image'],
    [inputs <= limits.inputs, `${FULLY_CONNECTED.name}: ${inputs} inputs, at most ${limits.inputs}`],
    [
      bits <= FULLY_CONNECTED.weightBits,
      `${FULLY_CONNECTED.name}: weights need ${bits} bits, at most ${FULLY_CONNECTED.weightBits}`,
    ],
  ]);
}

/** The activation is a ReLU with an upper bound and at most four bits. */
function activationReasons({ clamp, output }: ConvolutionNode | DenseNode): string[] {
  const { quantisation } = output;
  if (quantisation.zeroPoint !== 0 || clamp.minimum < quantisation.zeroPoint) {
    return ['the output is not behind a bounded ReLU'];
  }
  const bits = activationBits(clamp, quantisation);
  return bits > ACTIVATION_BITS ? [`activations need ${bits} bits, at most ${ACTIVATION_BITS}`] : [];
}

/** A max pool is part of the convolution before it; behind any but the first layer a convolution must read it. */
function maxPoolReasons(node: MaxPoolNode, { graph, inputShape }: Placement, limits: Akida1Limits): string[] {
  const maker = graph.nodes.find(({ name }) => name === node.input);
  const isInFirst = maker?.op === 'convolution' && maker.input === INPUT_NAME;
  const pools: readonly number[] = isInFirst ? INPUT_LAYER.pools : limits.pools;
  const [size] = node.kernel;
  const isTiling = [...node.kernel, ...node.stride].every((each) => each === size);
  return reasonsUnless([
    [maker?.op === 'convolution', 'a max pool is part of a convolution, and none is before it'],
    [
      node.kernel[0] === node.kernel[1] && pools.includes(size),
      `max pool ${node.kernel.join('×')}, only ${pools.map((side) => `${side}×${side}`).join(' or ')}`,
    ],
    [isTiling, `max pool of stride ${node.stride.join('×')}, only that of its size`],
    [
      inputShape[0] % size === 0 && inputShape[1] % size === 0,
      `max pool ${node.kernel.join('×')} does not divide a map of ${inputShape[0]}×${inputShape[1]}`,
    ],
    [
      isInFirst || areConvolutions(readersOf(graph, node.name)),
      'a max-pooled layer must be followed by a convolution, never by a dense layer',
    ],
  ]);
}

/** Nodes that compute on a tensor, whatever flattens it on the way; the head is null. */
function readersOf(graph: IntegerGraph, tensor: string): (GraphNode | null)[] {
  const readers = graph.nodes.filter((node) => inputsOf(node).includes(tensor));
  const found = readers.flatMap((node) => (node.op === 'flatten' ? readersOf(graph, node.name) : [node]));
  return graph.head.input === tensor ? [...found, null] : found;
}

function areConvolutions(readers: readonly (GraphNode | null)[]): boolean {
  return readers.every((node) => node?.op === 'convolution');
}
