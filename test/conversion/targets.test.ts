import { describe, expect, it } from 'vitest';
import { checkTargets } from '../../src/conversion/targets/check.ts';
import { activationBits, weightBits } from '../../src/model/bits.ts';
import {
  type ConvolutionNode,
  elementCount,
  type GraphNode,
  type IntegerGraph,
  type Shape,
} from '../../src/model/graph.ts';
import { validateGraph } from '../../src/model/validate/validate.ts';

const FOUR_BITS = { quantisation: { scale: 0.1, zeroPoint: 0 }, clamp: { minimum: 0, maximum: 15 } };
const NO_PADDING = { top: 0, left: 0, bottom: 0, right: 0 };
const window = { padding: { top: 1, left: 1, bottom: 1, right: 1 }, stride: [1, 1] as const };

function convolution(
  name: string,
  input: string,
  [side, inputs, outputs]: readonly [number, number, number],
  changes: Partial<ConvolutionNode> = {},
): ConvolutionNode {
  const kernel = changes.kernel ?? [3, 3];
  const groups = changes.groups ?? 1;
  return {
    op: 'convolution',
    name,
    sources: [],
    input,
    kernel,
    ...window,
    groups,
    paddingValues: new Uint8Array(inputs),
    weights: Int8Array.from(
      { length: (outputs * kernel[0] * kernel[1] * inputs) / groups },
      (_, i) => (i % 15) - 7,
    ),
    weightScales: new Float64Array(outputs).fill(0.01),
    bias: new Int32Array(outputs),
    requantisation: {
      multiplier: new Int16Array(outputs).fill(1500),
      shift: new Uint8Array(outputs).fill(6),
    },
    clamp: FOUR_BITS.clamp,
    output: { shape: [side, side, outputs], quantisation: FOUR_BITS.quantisation },
    ...changes,
  };
}

function maxPool(name: string, input: string, shape: Shape, size = 2, stride = size): GraphNode {
  return {
    op: 'maxPool',
    name,
    sources: [],
    input,
    kernel: [size, size],
    stride: [stride, stride],
    padding: NO_PADDING,
    output: { shape, quantisation: FOUR_BITS.quantisation },
  };
}

function averagePool(kernel: number, shape: Shape): GraphNode {
  return {
    op: 'averagePool',
    name: 'pool',
    sources: [],
    input: 'second',
    kernel: [kernel, kernel],
    stride: [kernel, kernel],
    padding: NO_PADDING,
    requantisation: { multiplier: Int16Array.of(1024), shift: Uint8Array.of(1) },
    clamp: FOUR_BITS.clamp,
    output: { shape, quantisation: FOUR_BITS.quantisation },
  };
}

/** Three convolutions, a max pool among them, at four bits: what Akida 1.0 takes whole. */
function mappable(change: (nodes: GraphNode[]) => GraphNode[] = (nodes) => nodes, side = 8): IntegerGraph {
  const nodes = change([
    convolution('first', 'input', [8, 3, 4]),
    convolution('second', 'first', [8, 4, 4]),
    maxPool('pool', 'second', [4, 4, 4]),
    convolution('third', 'pool', [4, 4, 4]),
  ]);
  const last = nodes[nodes.length - 1];
  const graph: IntegerGraph = {
    input: { shape: [side, side, 3], quantisation: { scale: 1 / 255, zeroPoint: 0 } },
    classes: ['a', 'b'],
    nodes,
    head: {
      input: last.name,
      sources: [],
      weights: Int8Array.from({ length: 2 * elementCount(last.output.shape) }, (_, i) => (i % 8) - 4),
      bias: new Int32Array(2),
      scale: 0.01,
    },
  };
  validateGraph(graph);
  return graph;
}

const replaced = (name: string, node: GraphNode) => (nodes: GraphNode[]) =>
  nodes.map((existing) => (existing.name === name ? node : existing));
const tensor = { shape: [8, 8, 4] as const, quantisation: FOUR_BITS.quantisation };

describe('a plain four-bit network', () => {
  it('maps whole on every target', () => {
    const reports = checkTargets(mappable());
    expect(reports).toEqual({
      cpu: { maps: true, unmapped: [] },
      akd1000: { maps: true, unmapped: [] },
      akd1500: { maps: true, unmapped: [] },
      akida2: { maps: true, unmapped: [] },
    });
  });
});

const wideKernel = convolution('second', 'first', [8, 150, 1], {
  kernel: [7, 7],
  padding: { top: 3, left: 3, bottom: 3, right: 3 },
});

describe('AKD1000 refuses, naming the layer and why', () => {
  it.each<[string, string, (nodes: GraphNode[]) => GraphNode[], RegExp]>([
    [
      'an input kernel of 1×1',
      'first',
      replaced(
        'first',
        convolution('first', 'input', [8, 3, 4], {
          kernel: [1, 1],
          padding: NO_PADDING,
        }),
      ),
      /InputConvolutional: kernel 1×1/,
    ],
    [
      'eight-bit weights after the first layer',
      'second',
      replaced(
        'second',
        convolution('second', 'first', [8, 4, 4], { weights: new Int8Array(144).fill(100) }),
      ),
      /weights need 8 bits, at most 4/,
    ],
    [
      'eight-bit activations',
      'second',
      replaced('second', convolution('second', 'first', [8, 4, 4], { clamp: { minimum: 0, maximum: 255 } })),
      /activations need 8 bits, at most 4/,
    ],
    [
      'an unbounded output',
      'second',
      ([first]) => [
        first,
        convolution('second', 'first', [8, 4, 4], {
          output: { ...tensor, quantisation: { scale: 0.1, zeroPoint: 7 } },
        }),
      ],
      /bounded ReLU/,
    ],
    [
      'a depthwise layer',
      'second',
      replaced('second', convolution('second', 'first', [8, 4, 4], { groups: 4 })),
      /depthwise/,
    ],
    [
      'padding that shrinks the map',
      'second',
      (nodes) => [nodes[0], convolution('second', 'first', [6, 4, 4], { padding: NO_PADDING })],
      /"same"/,
    ],
    [
      'an add',
      'sum',
      (nodes) => [
        ...nodes.slice(0, 2),
        {
          op: 'add',
          name: 'sum',
          sources: [],
          inputs: ['first', 'second'],
          multipliers: Int16Array.of(1, 1),
          shift: 0,
          clamp: FOUR_BITS.clamp,
          output: tensor,
        },
      ],
      /no add/,
    ],
    [
      'a gate',
      'gate',
      (nodes) => [
        ...nodes.slice(0, 2),
        {
          op: 'multiply',
          name: 'gate',
          sources: [],
          input: 'first',
          gate: 'second',
          requantisation: { multiplier: Int16Array.of(1024), shift: Uint8Array.of(1) },
          clamp: FOUR_BITS.clamp,
          output: tensor,
        },
      ],
      /no element-wise multiply/,
    ],
    [
      'a sigmoid',
      'sigmoid',
      (nodes) => [
        ...nodes.slice(0, 2),
        {
          op: 'table',
          name: 'sigmoid',
          sources: [],
          input: 'second',
          function: 'sigmoid',
          table: new Uint8Array(256),
          output: tensor,
        },
      ],
      /no sigmoid/,
    ],
    [
      'a local average pool',
      'pool',
      (nodes) => [...nodes.slice(0, 2), averagePool(2, [4, 4, 4])],
      /sums potentials over the map before the activation/,
    ],
    [
      'a global average pool behind the activation',
      'pool',
      (nodes) => [...nodes.slice(0, 2), averagePool(8, [1, 1, 4])],
      /sums potentials over the map before the activation/,
    ],
    [
      'a max pool before the dense head',
      'pool',
      (nodes) => nodes.slice(0, 3),
      /must be followed by a convolution, never by a dense layer/,
    ],
    [
      'the same behind a flatten',
      'pool',
      (nodes) => [
        ...nodes.slice(0, 3),
        { op: 'flatten', name: 'flat', sources: [], input: 'pool', output: { ...tensor, shape: [1, 1, 64] } },
      ],
      /must be followed by a convolution, never by a dense layer/,
    ],
    [
      'a max pool with windows that overlap',
      'pool',
      (nodes) => [
        ...nodes.slice(0, 2),
        maxPool('pool', 'second', [7, 7, 4], 2, 1),
        convolution('third', 'pool', [7, 4, 4]),
      ],
      /max pool of stride 1×1, only that of its size/,
    ],
    [
      'a max pool of another max pool',
      'again',
      (nodes) => [
        ...nodes.slice(0, 3),
        maxPool('again', 'pool', [2, 2, 4]),
        convolution('third', 'again', [2, 4, 4]),
      ],
      /part of a convolution, and none is before it/,
    ],
    [
      'a weight of −8, which the chip’s sign and magnitude cannot hold',
      'second',
      replaced('second', convolution('second', 'first', [8, 4, 4], { weights: new Int8Array(144).fill(-8) })),
      /weights need 5 bits, at most 4/,
    ],
    [
      'a stride of 2 whose border lies before the map',
      'second',
      (nodes) => [
        nodes[0],
        convolution('second', 'first', [4, 4, 4], {
          stride: [2, 2],
          padding: { top: 1, left: 1, bottom: 0, right: 0 },
        }),
      ],
      /padding is not "same"/,
    ],
    [
      'a first layer of zeros',
      'first',
      replaced('first', convolution('first', 'input', [8, 3, 4], { weights: new Int8Array(108) })),
      /every weight is zero/,
    ],
    [
      'a border whose value differs by channel',
      'first',
      replaced('first', convolution('first', 'input', [8, 3, 4], { paddingValues: Uint8Array.of(1, 2, 3) })),
      /one padding value for all channels/,
    ],
    [
      'more input channels than a processor holds a filter of',
      'second',
      () => [convolution('first', 'input', [8, 3, 150]), wideKernel],
      /150 input channels, at most 149/,
    ],
  ])('%s', (_, node, change, reason) => {
    const { akd1000, cpu } = checkTargets(mappable(change));
    expect(akd1000.maps).toBe(false);
    const entry = akd1000.unmapped.find((unmapped) => unmapped.node === node);
    expect(entry?.reason).toMatch(reason);
    expect(cpu.maps).toBe(true);
  });

  it('nothing of a max pool in the first layer, which a dense layer may read', () => {
    const graph = mappable(([first]) => [first, maxPool('pool', 'first', [4, 4, 4])]);
    expect(checkTargets(graph).akd1000).toEqual({ maps: true, unmapped: [] });
  });

  it('a 3×3 max pool, which AKD1500 has', () => {
    const { akd1000, akd1500 } = checkTargets(
      mappable(
        () => [
          convolution('first', 'input', [9, 3, 4]),
          convolution('second', 'first', [9, 4, 4]),
          maxPool('pool', 'second', [3, 3, 4], 3),
          convolution('third', 'pool', [3, 4, 4]),
        ],
        9,
      ),
    );
    expect(akd1000.unmapped).toEqual([{ node: 'pool', reason: 'max pool 3×3, only 2×2' }]);
    expect(akd1500.maps).toBe(true);
  });

  it('more filters than the input layer has room for', () => {
    const wide = convolution('first', 'input', [8, 3, 65], {
      kernel: [5, 5],
      padding: { top: 2, left: 2, bottom: 2, right: 2 },
    });
    const { akd1000 } = checkTargets(mappable(() => [wide]));
    expect(akd1000.unmapped).toContainEqual({
      node: 'first',
      reason: 'InputConvolutional: 65 filters, at most 64',
    });
  });

  it('an eight-bit head', () => {
    const graph = mappable();
    graph.head.weights.fill(127);
    expect(checkTargets(graph).akd1000.unmapped).toEqual([
      { node: 'head', reason: 'FullyConnected: weights need 8 bits, at most 4' },
    ]);
    expect(checkTargets(graph).akida2.maps).toBe(true);
  });
});

describe('Akida 2.0', () => {
  it('takes depthwise layers, adds, concatenations and tables at eight bits', () => {
    const wide = { minimum: 0, maximum: 255 };
    const { akida2 } = checkTargets(
      mappable(([first]) => [
        first,
        convolution('depthwise', 'first', [8, 4, 4], { groups: 4, clamp: wide }),
        {
          op: 'add',
          name: 'sum',
          sources: [],
          inputs: ['first', 'depthwise'],
          multipliers: Int16Array.of(1, 1),
          shift: 0,
          clamp: wide,
          output: tensor,
        },
        {
          op: 'concat',
          name: 'joined',
          sources: [],
          inputs: ['sum', 'first'],
          output: { ...tensor, shape: [8, 8, 8] },
        },
        {
          op: 'table',
          name: 'sigmoid',
          sources: [],
          input: 'joined',
          function: 'sigmoid',
          table: new Uint8Array(256),
          output: { ...tensor, shape: [8, 8, 8] },
        },
      ]),
    );
    expect(akida2).toEqual({ maps: true, unmapped: [] });
  });

  it('has no element-wise multiply', () => {
    const gate: GraphNode = {
      op: 'multiply',
      name: 'gate',
      sources: [],
      input: 'first',
      gate: 'first',
      requantisation: { multiplier: Int16Array.of(1024), shift: Uint8Array.of(1) },
      clamp: FOUR_BITS.clamp,
      output: tensor,
    };
    const { akida2 } = checkTargets(mappable(([first]) => [first, gate]));
    expect(akida2.unmapped).toMatchObject([{ node: 'gate', reason: expect.stringContaining('multiply') }]);
  });
});

describe('bits that a layer really uses', () => {
  it.each([
    [[0, 0], 1],
    [[-1, 0], 1],
    [[-2, 1], 2],
    [[-8, 7], 4],
    [[-8, 8], 5],
    [[-127, 127], 8],
  ])('weights %j need %i', (weights, bits) => {
    expect(weightBits(Int8Array.from(weights))).toBe(bits);
  });

  it.each([
    [1, 0, 1],
    [15, 0, 4],
    [16, 0, 5],
    [255, 0, 8],
    [25, 10, 4],
  ])('an activation up to %i above zero point %i needs %i', (maximum, zeroPoint, bits) => {
    expect(activationBits({ minimum: zeroPoint, maximum }, { scale: 1, zeroPoint })).toBe(bits);
  });
});
