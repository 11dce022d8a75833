/** Every bound that the engines rely on, checked once when a graph enters the program. */
import { RefusedError } from '../errors.ts';
import {
  type ActivationTensor,
  type Clamp,
  elementCount,
  type GraphNode,
  type Head,
  INPUT_NAME,
  type IntegerGraph,
  inputsOf,
  type Requantisation,
  type Shape,
} from './graph.ts';
import { ACCUMULATOR_LIMIT, MAXIMUM_MULTIPLIER, MAXIMUM_SHIFT } from './requantise.ts';

/** Largest tensor and largest sum of tensors, elements; keeps a hostile graph from reserving the machine's memory. */
const MAXIMUM_TENSOR = 2 ** 26;
const MAXIMUM_TOTAL = 2 ** 28;

type Tensors = ReadonlyMap<string, ActivationTensor>;

/**
 * @throws RefusedError `GRAPH_NAME`, `GRAPH_ORDER`, `GRAPH_SHAPE`, `GRAPH_QUANTISATION`, `GRAPH_PARAMETERS`,
 * `GRAPH_ACCUMULATOR`, `GRAPH_SIZE`, each naming the node
 */
export function validateGraph(graph: IntegerGraph): void {
  const tensors = new Map<string, ActivationTensor>([[INPUT_NAME, graph.input]]);
  requireTensor(INPUT_NAME, graph.input);
  let total = elementCount(graph.input.shape);
  for (const node of graph.nodes) {
    if (tensors.has(node.name)) fail('GRAPH_NAME', node.name, 'a name of its own', 'a name already taken');
    for (const input of inputsOf(node)) requireKnown(tensors, node.name, input);
    requireTensor(node.name, node.output);
    validateNode(node, tensors);
    tensors.set(node.name, node.output);
    total += elementCount(node.output.shape);
    if (total > MAXIMUM_TOTAL)
      fail('GRAPH_SIZE', node.name, `at most ${MAXIMUM_TOTAL} activations`, `${total}`);
  }
  validateHead(graph.head, graph.classes.length, tensors);
}

function fail(code: string, node: string, expected: string, received: string): never {
  throw new RefusedError(code, 'The graph cannot be run', { node, expected, received });
}

function requireKnown(tensors: Tensors, node: string, input: string): ActivationTensor {
  const tensor = tensors.get(input);
  if (tensor === undefined) fail('GRAPH_ORDER', node, 'inputs made by earlier nodes', `input ${input}`);
  return tensor;
}

function requireTensor(node: string, { shape, quantisation: { scale, zeroPoint } }: ActivationTensor): void {
  if (
    !shape.every((extent) => Number.isInteger(extent) && extent > 0) ||
    elementCount(shape) > MAXIMUM_TENSOR
  ) {
    fail('GRAPH_SIZE', node, `positive extents, at most ${MAXIMUM_TENSOR} elements`, shape.join('×'));
  }
  if (!(Number.isFinite(scale) && scale > 0) || !isByte(zeroPoint)) {
    fail('GRAPH_QUANTISATION', node, 'a positive scale and a zero point in 0…255', `${scale}, ${zeroPoint}`);
  }
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255;
}

function requireShape(node: string, expected: Shape, actual: Shape): void {
  if (expected.some((extent, i) => extent !== actual[i])) {
    fail('GRAPH_SHAPE', node, `an output of ${expected.join('×')}`, actual.join('×'));
  }
}

function requireCount(node: string, what: string, expected: number, actual: number): void {
  if (expected !== actual) fail('GRAPH_PARAMETERS', node, `${expected} ${what}`, `${actual}`);
}

function requireClamp(node: string, { minimum, maximum }: Clamp): void {
  if (!isByte(minimum) || !isByte(maximum) || minimum > maximum) {
    fail('GRAPH_PARAMETERS', node, 'a clamp with 0 ≤ minimum ≤ maximum ≤ 255', `${minimum}…${maximum}`);
  }
}

function requireRequantisation(node: string, count: number, { multiplier, shift }: Requantisation): void {
  requireCount(node, 'multipliers', count, multiplier.length);
  requireCount(node, 'shifts', count, shift.length);
  if (multiplier.some((value) => value < 1)) {
    fail('GRAPH_PARAMETERS', node, `multipliers in 1…${MAXIMUM_MULTIPLIER}`, `${Math.min(...multiplier)}`);
  }
  if (shift.some((value) => value > MAXIMUM_SHIFT)) {
    fail('GRAPH_PARAMETERS', node, `shifts in 0…${MAXIMUM_SHIFT}`, `${Math.max(...shift)}`);
  }
}

function requireSameQuantisation(node: string, a: ActivationTensor, b: ActivationTensor): void {
  if (
    a.quantisation.scale !== b.quantisation.scale ||
    a.quantisation.zeroPoint !== b.quantisation.zeroPoint
  ) {
    fail('GRAPH_QUANTISATION', node, 'the same quantisation at input and output', 'different ones');
  }
}

/** Largest |accumulator| that the weights of each output and this input can make. */
function requireAccumulators(
  node: string,
  weights: Int8Array,
  bias: Int32Array,
  input: ActivationTensor,
): void {
  const perOutput = weights.length / bias.length;
  const reach = Math.max(input.quantisation.zeroPoint, 255 - input.quantisation.zeroPoint);
  for (let o = 0; o < bias.length; o++) {
    let sum = Math.abs(bias[o]);
    for (let i = 0; i < perOutput; i++) sum += Math.abs(weights[o * perOutput + i]) * reach;
    if (sum > ACCUMULATOR_LIMIT) {
      fail('GRAPH_ACCUMULATOR', node, `accumulators within ±2^30`, `up to ${sum} in output ${o}`);
    }
  }
}

function requireWindow(
  node: GraphNode & { op: 'convolution' | 'averagePool' | 'maxPool' },
  [inputHeight, inputWidth]: Shape,
  channels: number,
): void {
  const { kernel, stride, padding } = node;
  if (![...kernel, ...stride].every((extent) => Number.isInteger(extent) && extent > 0)) {
    fail(
      'GRAPH_PARAMETERS',
      node.name,
      'a positive kernel and stride',
      `${kernel.join('×')}, ${stride.join('×')}`,
    );
  }
  const height = Math.floor((inputHeight + padding.top + padding.bottom - kernel[0]) / stride[0]) + 1;
  const width = Math.floor((inputWidth + padding.left + padding.right - kernel[1]) / stride[1]) + 1;
  if (height < 1 || width < 1)
    fail('GRAPH_SHAPE', node.name, 'a window that fits its input', `${kernel.join('×')}`);
  requireShape(node.name, [height, width, channels], node.output.shape);
}

/** Padding below the kernel on every side, so that every window of a pool holds at least one pixel. */
function requirePixelInEveryWindow(
  node: GraphNode & { op: 'averagePool' | 'maxPool' },
  [height, width]: Shape,
): void {
  const { kernel, stride, padding, output } = node;
  const lastRow = (output.shape[0] - 1) * stride[0] - padding.top;
  const lastColumn = (output.shape[1] - 1) * stride[1] - padding.left;
  if (padding.top >= kernel[0] || padding.left >= kernel[1] || lastRow >= height || lastColumn >= width) {
    fail('GRAPH_PARAMETERS', node.name, 'a pixel of the image in every window', 'a window that lies outside');
  }
}

function validateNode(node: GraphNode, tensors: Tensors): void {
  const inputs = inputsOf(node).map((name) => requireKnown(tensors, node.name, name));
  const [first] = inputs;
  switch (node.op) {
    case 'convolution': {
      const outputs = node.output.shape[2];
      const inputChannels = first.shape[2];
      if (node.groups < 1 || inputChannels % node.groups !== 0 || outputs % node.groups !== 0) {
        fail(
          'GRAPH_PARAMETERS',
          node.name,
          `groups that divide ${inputChannels} and ${outputs}`,
          `${node.groups}`,
        );
      }
      requireWindow(node, first.shape, outputs);
      requireCount(
        node.name,
        'weights',
        outputs * node.kernel[0] * node.kernel[1] * (inputChannels / node.groups),
        node.weights.length,
      );
      requireCount(node.name, 'padding values', inputChannels, node.paddingValues.length);
      return validateLayer(node, outputs, first);
    }
    case 'dense': {
      const [height, width, outputs] = node.output.shape;
      requireShape(node.name, [1, 1, outputs], [height, width, outputs]);
      requireCount(node.name, 'weights', outputs * elementCount(first.shape), node.weights.length);
      return validateLayer(node, outputs, first);
    }
    case 'add':
      for (const input of inputs) requireShape(node.name, input.shape, node.output.shape);
      requireCount(node.name, 'multipliers', inputs.length, node.multipliers.length);
      if (node.multipliers.some((value) => value < 0) || node.shift < 0 || node.shift > MAXIMUM_SHIFT) {
        fail(
          'GRAPH_PARAMETERS',
          node.name,
          'multipliers in 0…32767 and a shift in 0…30',
          `${node.multipliers.join(', ')} and ${node.shift}`,
        );
      }
      if (inputs.length > 64) fail('GRAPH_ACCUMULATOR', node.name, 'at most 64 inputs', `${inputs.length}`);
      return requireClamp(node.name, node.clamp);
    case 'concat': {
      for (const input of inputs) requireSameQuantisation(node.name, input, node.output);
      const [height, width] = first.shape;
      for (const input of inputs) requireShape(node.name, [height, width, input.shape[2]], input.shape);
      return requireShape(
        node.name,
        [height, width, inputs.reduce((sum, { shape }) => sum + shape[2], 0)],
        node.output.shape,
      );
    }
    case 'multiply': {
      const gate = inputs[1].shape;
      requireShape(node.name, first.shape, node.output.shape);
      const perChannel = gate[0] === 1 && gate[1] === 1 && gate[2] === first.shape[2];
      if (!perChannel) requireShape(node.name, first.shape, gate);
      requireRequantisation(node.name, 1, node.requantisation);
      return requireClamp(node.name, node.clamp);
    }
    case 'table':
      requireShape(node.name, first.shape, node.output.shape);
      return requireCount(node.name, 'table entries', 256, node.table.length);
    case 'averagePool': {
      requireWindow(node, first.shape, first.shape[2]);
      requirePixelInEveryWindow(node, first.shape);
      const size = node.kernel[0] * node.kernel[1];
      if (size * 255 > ACCUMULATOR_LIMIT)
        fail('GRAPH_ACCUMULATOR', node.name, 'a window whose sum fits', `${size} pixels`);
      requireRequantisation(
        node.name,
        node.requantisation.multiplier.length === 1 ? 1 : size,
        node.requantisation,
      );
      return requireClamp(node.name, node.clamp);
    }
    case 'maxPool':
      requireWindow(node, first.shape, first.shape[2]);
      requirePixelInEveryWindow(node, first.shape);
      return requireSameQuantisation(node.name, first, node.output);
    case 'flatten':
      requireShape(node.name, [1, 1, elementCount(first.shape)], node.output.shape);
      return requireSameQuantisation(node.name, first, node.output);
    case 'pad': {
      const [height, width, channels] = first.shape;
      const { top, left, bottom, right } = node.padding;
      requireShape(node.name, [height + top + bottom, width + left + right, channels], node.output.shape);
      return requireSameQuantisation(node.name, first, node.output);
    }
  }
}

function validateLayer(
  node: GraphNode & { op: 'convolution' | 'dense' },
  outputs: number,
  input: ActivationTensor,
): void {
  requireCount(node.name, 'biases', outputs, node.bias.length);
  requireCount(node.name, 'weight scales', outputs, node.weightScales.length);
  if (!node.weightScales.every((scale) => Number.isFinite(scale) && scale > 0)) {
    fail('GRAPH_QUANTISATION', node.name, 'positive weight scales', 'another value');
  }
  requireRequantisation(node.name, outputs, node.requantisation);
  requireClamp(node.name, node.clamp);
  requireAccumulators(node.name, node.weights, node.bias, input);
}

function validateHead(head: Head, classes: number, tensors: Tensors): void {
  const embedding = requireKnown(tensors, 'head', head.input);
  requireCount('head', 'biases', classes, head.bias.length);
  requireCount('head', 'weights', classes * elementCount(embedding.shape), head.weights.length);
  requireAccumulators('head', head.weights, head.bias, embedding);
}
