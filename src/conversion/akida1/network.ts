/**
 * An integer graph as the vendor's layers, in the vendor's layouts: what `native/akida-m2/compiler/compile.py` builds from.
 *
 * `network.json` lists the layers; an array in it is `{type, shape, offset, length}`, offset in bytes into `weights.bin`,
 * little endian.
 */

import type { ProgramKind } from '../../model/bundle/akida-programs-section.ts';
import type { Akida1Section } from '../../model/bundle/akida1-section.ts';
import type { ConvolutionNode, DenseNode, IntegerGraph, Shape } from '../../model/graph.ts';
import { HEAD_NAME } from '../targets/target.ts';
import { levelsFor } from './activation.ts';
import { type ChipLayer, chipLayersOf, imageShapeOf } from './layers.ts';

/** Bits of a weight that the compiler is told: the first layer's, the others'. */
const WEIGHT_BITS = { first: 8, inner: 4 } as const;

export interface NetworkArray {
  readonly values: Int8Array | Int32Array;
  readonly shape: readonly number[];
}

export interface NetworkLayer {
  readonly kind: 'InputConvolutional' | 'Convolutional' | 'FullyConnected';
  readonly name: string;
  /** Of the tensor that it reads, before any flattening. */
  readonly inputShape: Shape;
  readonly filters: number;
  readonly kernel: readonly number[] | null;
  readonly stride: readonly number[] | null;
  readonly paddingValue: number | null;
  /** Side of the max pool behind the convolution. */
  readonly pool: number | null;
  readonly weightBits: number;
  /** Null of the head, whose potentials go out as they are. */
  readonly activationBits: number | null;
  readonly weights: NetworkArray;
  readonly thresholds: NetworkArray | null;
  /** In sixteenths. */
  readonly steps: NetworkArray | null;
}

/** `program`: that of the same graph. */
export function networkOf(graph: IntegerGraph, program: Akida1Section): NetworkLayer[] {
  const activations = new Map(program.layers.map((layer) => [layer.name, layer]));
  const layers = chipLayersOf(graph).map((layer): NetworkLayer => {
    const { node } = layer;
    const activation = activations.get(node.name);
    if (activation === undefined) throw new RangeError(`The program has no layer ${node.name}`);
    const vector = (values: Int32Array) => ({ values, shape: [values.length] });
    return {
      ...(node.op === 'convolution' ? convolutionOf(layer, node) : fullyConnectedOf(graph, node.name, node)),
      activationBits: Math.log2(levelsFor(node.clamp.maximum) + 1),
      thresholds: vector(activation.thresholds),
      steps: vector(activation.steps),
    };
  });
  return [...layers, fullyConnectedOf(graph, HEAD_NAME, graph.head)];
}

/**
 * The layers of a program of either kind. The backbone ends with the activation before the head: what it gives is the
 * graph's embedding, value by value, for the chip's maps come out in row, column, channel order whatever the order of a
 * dense layer's weights.
 */
export function layersFor(kind: ProgramKind, layers: readonly NetworkLayer[]): readonly NetworkLayer[] {
  return kind === 'whole' ? layers : layers.slice(0, -1);
}

function convolutionOf({ isFirst, input, pool }: ChipLayer, node: ConvolutionNode) {
  return {
    kind: isFirst ? 'InputConvolutional' : 'Convolutional',
    name: node.name,
    inputShape: input.shape,
    filters: node.bias.length,
    kernel: node.kernel,
    stride: node.stride,
    paddingValue: isFirst ? node.paddingValues[0] : null,
    pool: pool === null ? null : pool.kernel[0],
    weightBits: isFirst ? WEIGHT_BITS.first : WEIGHT_BITS.inner,
    weights: chipKernel(node, input.shape[2], { isFlipped: !isFirst }),
  } as const;
}

function fullyConnectedOf(
  graph: IntegerGraph,
  name: string,
  { input, weights, bias }: Pick<DenseNode, 'input' | 'weights' | 'bias'>,
): NetworkLayer {
  const inputShape = imageShapeOf(graph, input);
  return {
    kind: 'FullyConnected',
    name,
    inputShape,
    filters: bias.length,
    ...{ kernel: null, stride: null, paddingValue: null, pool: null, activationBits: null },
    weightBits: WEIGHT_BITS.inner,
    weights: chipDense(weights, bias.length, inputShape),
    ...{ thresholds: null, steps: null },
  };
}

/**
 * [output][row][column][input] → [row][column][input][output]. Inner layers compute a convolution, not a correlation, so
 * that their kernels are turned by 180°; the layer that reads the image computes a correlation.
 */
export function chipKernel(
  { kernel: [height, width], weights, bias }: Pick<ConvolutionNode, 'kernel' | 'weights' | 'bias'>,
  inputs: number,
  { isFlipped }: { readonly isFlipped: boolean },
): NetworkArray {
  const outputs = bias.length;
  const values = new Int8Array(weights.length);
  let from = 0;
  for (let o = 0; o < outputs; o++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [row, column] = isFlipped ? [height - 1 - y, width - 1 - x] : [y, x];
        for (let i = 0; i < inputs; i++) {
          values[((row * width + column) * inputs + i) * outputs + o] = weights[from++];
        }
      }
    }
  }
  return { values, shape: [height, width, inputs, outputs] };
}

/** [output][row][column][channel] → [1, 1, input, output], where the chip counts inputs by channel, column, row. */
export function chipDense(
  weights: Int8Array,
  outputs: number,
  [height, width, channels]: Shape,
): NetworkArray {
  const inputs = height * width * channels;
  const values = new Int8Array(weights.length);
  let from = 0;
  for (let o = 0; o < outputs; o++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < channels; c++) {
          values[((c * width + x) * height + y) * outputs + o] = weights[from++];
        }
      }
    }
  }
  return { values, shape: [1, 1, inputs, outputs] };
}

/** The two files. Same layers, same bytes. */
export function networkFiles(layers: readonly NetworkLayer[]): { description: string; weights: Uint8Array } {
  const parts: Uint8Array[] = [];
  let offset = 0;
  const reference = (array: NetworkArray | null) => {
    if (array === null) return null;
    const { values, shape } = array;
    parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    const start = offset;
    offset += values.byteLength;
    return {
      type: values instanceof Int8Array ? 'int8' : 'int32',
      shape,
      offset: start,
      length: values.length,
    };
  };
  const described = layers.map((layer) => ({
    ...layer,
    weights: reference(layer.weights),
    thresholds: reference(layer.thresholds),
    steps: reference(layer.steps),
  }));
  return { description: JSON.stringify({ layers: described }), weights: Buffer.concat(parts) };
}
