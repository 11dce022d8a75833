/** Akida 1.0: AKD1000 and AKD1500. Four kinds of layer, each with a bounded activation of at most four bits. */

import { activationBits, weightBits } from '../../model/bits.ts';
import type {
  AveragePoolNode,
  ConvolutionNode,
  DenseNode,
  GraphNode,
  MaxPoolNode,
  Shape,
} from '../../model/graph.ts';
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
} as const;

const CONVOLUTIONAL = {
  name: 'Convolutional',
  kernels: [1, 3, 5, 7],
  largestStride: 2,
  /** A stride of 2 goes with this kernel only. */
  stridedKernel: 3,
  weightBits: 4,
} as const;

const FULLY_CONNECTED = { name: 'FullyConnected', inputs: 57_334, weightBits: 4 } as const;
const LARGEST_GLOBAL_POOL = 32;
const ACTIVATION_BITS = 4;

export const AKD1000: TargetRules = {
  mapped: 'chip',
  bits: 4,
  reasonsAgainst(node, placement) {
    switch (node.op) {
      case 'convolution':
        return convolutionReasons(node, placement);
      case 'dense':
        return [...denseReasons(node.weights, placement.inputShape), ...activationReasons(node)];
      case 'maxPool':
        return maxPoolReasons(node);
      case 'averagePool':
        return averagePoolReasons(node, placement.inputShape);
      case 'flatten':
        return [];
      case 'pad':
        return ['no border of its own; only "same" padding within a convolution'];
      default:
        return [MISSING[node.op]];
    }
  },
  reasonsAgainstHead: ({ weights }, { inputShape }) => denseReasons(weights, inputShape),
};

const MISSING: Readonly<
  Record<
    Exclude<GraphNode['op'], 'convolution' | 'dense' | 'maxPool' | 'averagePool' | 'flatten' | 'pad'>,
    string
  >
> = {
  add: 'Akida 1.0 has no add layer',
  concat: 'Akida 1.0 has no concatenation layer',
  multiply: 'Akida 1.0 has no element-wise multiply',
  table: 'Akida 1.0 has bounded ReLU only, no sigmoid',
};

function convolutionReasons(node: ConvolutionNode, { inputShape, isFirst }: Placement): string[] {
  if (node.groups > 1) return ['Akida 1.0 has no stand-alone depthwise or grouped convolution'];
  const layer = isFirst ? INPUT_LAYER : CONVOLUTIONAL;
  const kernels: readonly number[] = layer.kernels;
  const [size] = node.kernel;
  const [step] = node.stride;
  const reasons: string[] = [];
  const expect = (holds: boolean, reason: string) => {
    if (!holds) reasons.push(`${layer.name}: ${reason}`);
  };
  expect(
    node.kernel[0] === node.kernel[1] && kernels.includes(size),
    `kernel ${node.kernel.join('×')} is not one of ${kernels.join(', ')}`,
  );
  expect(
    node.stride[0] === node.stride[1] && step <= layer.largestStride,
    `stride ${node.stride.join('×')} exceeds ${layer.largestStride}`,
  );
  if (isFirst) {
    const [height, width, channels] = inputShape;
    const { least, most } = INPUT_LAYER.width;
    expect(
      width >= least && width <= most && height >= INPUT_LAYER.leastHeight,
      `an image of ${height}×${width} is out of range`,
    );
    const limit = INPUT_LAYER.filters[channels]?.[size];
    expect(channels === 1 || channels === 3, `${channels} channels, not 1 or 3`);
    if (limit !== undefined)
      expect(node.bias.length <= limit, `${node.bias.length} filters, at most ${limit}`);
  } else {
    expect(step === 1 || size === CONVOLUTIONAL.stridedKernel, 'a stride of 2 needs a 3×3 kernel');
  }
  expect(hasSamePadding(node, inputShape), 'padding is not "same"');
  const bits = weightBits(node.weights);
  expect(bits <= layer.weightBits, `weights need ${bits} bits, at most ${layer.weightBits}`);
  return [...reasons, ...activationReasons(node)];
}

/** Output extents are ⌈input / stride⌉. */
function hasSamePadding({ output, stride }: ConvolutionNode, [height, width]: Shape): boolean {
  return (
    output.shape[0] === Math.ceil(height / stride[0]) && output.shape[1] === Math.ceil(width / stride[1])
  );
}

function denseReasons(weights: Int8Array, [height, width, channels]: Shape): string[] {
  const inputs = height * width * channels;
  const bits = weightBits(weights);
  return [
    ...(inputs > FULLY_CONNECTED.inputs
      ? [`FullyConnected: ${inputs} inputs, at most ${FULLY_CONNECTED.inputs}`]
      : []),
    ...(bits > FULLY_CONNECTED.weightBits
      ? [`FullyConnected: weights need ${bits} bits, at most ${FULLY_CONNECTED.weightBits}`]
      : []),
  ];
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

function maxPoolReasons({ kernel }: MaxPoolNode): string[] {
  return kernel[0] === 2 && kernel[1] === 2 ? [] : [`max pool ${kernel.join('×')}, only 2×2`];
}

function averagePoolReasons({ kernel, clamp, output }: AveragePoolNode, [height, width]: Shape): string[] {
  if (kernel[0] !== height || kernel[1] !== width)
    return [`average pool ${kernel.join('×')}, only over the whole map`];
  if (width > LARGEST_GLOBAL_POOL)
    return [`global average pool of width ${width}, at most ${LARGEST_GLOBAL_POOL}`];
  const bits = activationBits(clamp, output.quantisation);
  return bits > ACTIVATION_BITS ? [`activations need ${bits} bits, at most ${ACTIVATION_BITS}`] : [];
}
