/** Single requirements on a graph, each refused with its own code and the node's name. */
import { RefusedError } from '../../errors.ts';
import {
  type ActivationTensor,
  type Clamp,
  elementCount,
  type GraphNode,
  type Requantisation,
  type Shape,
} from '../graph.ts';
import { ACCUMULATOR_LIMIT, MAXIMUM_MULTIPLIER, MAXIMUM_SHIFT } from '../requantise.ts';
import { areWithin } from './within.ts';

/** Largest tensor, elements; keeps a hostile graph from reserving the machine's memory. */
export const MAXIMUM_TENSOR = 2 ** 25;

export type Tensors = ReadonlyMap<string, ActivationTensor>;

export function fail(code: string, node: string, expected: string, received: string): never {
  throw new RefusedError(code, 'The graph cannot be run', { node, expected, received });
}

export function requireKnown(tensors: Tensors, node: string, input: string): ActivationTensor {
  const tensor = tensors.get(input);
  if (tensor === undefined) fail('GRAPH_ORDER', node, 'inputs made by earlier nodes', `input ${input}`);
  return tensor;
}

export function requireTensor(
  node: string,
  { shape, quantisation: { scale, zeroPoint } }: ActivationTensor,
): void {
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

export function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255;
}

export function requireShape(node: string, expected: Shape, actual: Shape): void {
  if (expected.some((extent, i) => extent !== actual[i])) {
    fail('GRAPH_SHAPE', node, `an output of ${expected.join('×')}`, actual.join('×'));
  }
}

export function requireCount(node: string, what: string, expected: number, actual: number): void {
  if (expected !== actual) fail('GRAPH_PARAMETERS', node, `${expected} ${what}`, `${actual}`);
}

export function requireClamp(node: string, { minimum, maximum }: Clamp): void {
  if (!isByte(minimum) || !isByte(maximum) || minimum > maximum) {
    fail('GRAPH_PARAMETERS', node, 'a clamp with 0 ≤ minimum ≤ maximum ≤ 255', `${minimum}…${maximum}`);
  }
}

export function requireRequantisation(
  node: string,
  count: number,
  { multiplier, shift }: Requantisation,
): void {
  requireCount(node, 'multipliers', count, multiplier.length);
  requireCount(node, 'shifts', count, shift.length);
  if (!areWithin(multiplier, 1, MAXIMUM_MULTIPLIER)) {
    fail('GRAPH_PARAMETERS', node, `multipliers in 1…${MAXIMUM_MULTIPLIER}`, `${Math.min(...multiplier)}`);
  }
  if (!areWithin(shift, 0, MAXIMUM_SHIFT)) {
    fail('GRAPH_PARAMETERS', node, `shifts in 0…${MAXIMUM_SHIFT}`, `${Math.max(...shift)}`);
  }
}

export function requireSameQuantisation(node: string, a: ActivationTensor, b: ActivationTensor): void {
  if (
    a.quantisation.scale !== b.quantisation.scale ||
    a.quantisation.zeroPoint !== b.quantisation.zeroPoint
  ) {
    fail('GRAPH_QUANTISATION', node, 'the same quantisation at input and output', 'different ones');
  }
}

/** Largest |accumulator| that the weights of each output and this input can make. */
export function requireAccumulators(
  node: string,
  weights: Int8Array,
  bias: Int32Array,
  input: ActivationTensor,
): void {
  const perOutput = weights.length / bias.length;
  const reach = Math.max(input.quantisation.zeroPoint, 255 - input.quantisation.zeroPoint);
  // What no weights of this number can exceed need not be summed.
  const most = perOutput * 128 * reach;
  const left = ACCUMULATOR_LIMIT - most;
  if (areWithin(bias, -left, left)) return;
  for (let o = 0; o < bias.length; o++) {
    let sum = Math.abs(bias[o]);
    for (let i = 0; i < perOutput; i++) sum += Math.abs(weights[o * perOutput + i]) * reach;
    if (sum > ACCUMULATOR_LIMIT) {
      fail('GRAPH_ACCUMULATOR', node, `accumulators within ±2^30`, `up to ${sum} in output ${o}`);
    }
  }
}

export function requireWindow(
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
export function requirePixelInEveryWindow(
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
