/** What each operator demands of its inputs, parameters and output. */
import {
  type ActivationTensor,
  type AddNode,
  type AveragePoolNode,
  type ConcatNode,
  type ConvolutionNode,
  type DenseNode,
  elementCount,
  type GraphNode,
  inputsOf,
  type MaxPoolNode,
  type MultiplyNode,
  type PadNode,
  type SelectNode,
} from '../graph.ts';
import { ACCUMULATOR_LIMIT, MAXIMUM_SHIFT } from '../requantise.ts';
import {
  fail,
  requireAccumulators,
  requireClamp,
  requireCount,
  requireKnown,
  requirePixelInEveryWindow,
  requireRequantisation,
  requireSameQuantisation,
  requireShape,
  requireWindow,
  type Tensors,
} from './requirements.ts';
import { areWithin } from './within.ts';

/** Terms of an `add` whose sum is sure to stay within the accumulator limit: 64 × 255 × 32767 < 2^30. */
const MAXIMUM_TERMS = 64;

export function validateNode(node: GraphNode, tensors: Tensors): void {
  const inputs = inputsOf(node).map((name) => requireKnown(tensors, node.name, name));
  const [input, gate] = inputs;
  switch (node.op) {
    case 'convolution':
      validateConvolution(node, input);
      break;
    case 'dense':
      validateDense(node, input);
      break;
    case 'add':
      validateAdd(node, inputs);
      break;
    case 'concat':
      validateConcat(node, inputs);
      break;
    case 'multiply':
      validateMultiply(node, input, gate);
      break;
    case 'table':
      requireShape(node.name, input.shape, node.output.shape);
      requireCount(node.name, 'table entries', 256, node.table.length);
      break;
    case 'averagePool':
      validateAveragePool(node, input);
      break;
    case 'maxPool':
      validateMaxPool(node, input);
      break;
    case 'flatten':
      requireShape(node.name, [1, 1, elementCount(input.shape)], node.output.shape);
      requireSameQuantisation(node.name, input, node.output);
      break;
    case 'pad':
      validatePad(node, input);
      break;
    case 'select':
      validateSelect(node, input);
      break;
    case 'extremum':
      for (const each of inputs) {
        requireShape(node.name, each.shape, node.output.shape);
        requireSameQuantisation(node.name, each, node.output);
      }
      break;
    case 'channelMaximum':
      requireShape(node.name, [input.shape[0], input.shape[1], 1], node.output.shape);
      requireSameQuantisation(node.name, input, node.output);
      break;
  }
}

function validateConvolution(node: ConvolutionNode, input: ActivationTensor): void {
  const inputChannels = input.shape[2];
  const outputs = node.output.shape[2];
  if (node.groups < 1 || inputChannels % node.groups !== 0 || outputs % node.groups !== 0) {
    fail(
      'GRAPH_PARAMETERS',
      node.name,
      `groups that divide ${inputChannels} and ${outputs}`,
      `${node.groups}`,
    );
  }
  requireWindow(node, input.shape, outputs);
  const perOutput = node.kernel[0] * node.kernel[1] * (inputChannels / node.groups);
  requireCount(node.name, 'weights', outputs * perOutput, node.weights.length);
  requireCount(node.name, 'padding values', inputChannels, node.paddingValues.length);
  validateLayer(node, outputs, input);
}

function validateDense(node: DenseNode, input: ActivationTensor): void {
  const outputs = node.output.shape[2];
  requireShape(node.name, [1, 1, outputs], node.output.shape);
  requireCount(node.name, 'weights', outputs * elementCount(input.shape), node.weights.length);
  validateLayer(node, outputs, input);
}

function validateLayer(node: ConvolutionNode | DenseNode, outputs: number, input: ActivationTensor): void {
  requireCount(node.name, 'biases', outputs, node.bias.length);
  requireCount(node.name, 'weight scales', outputs, node.weightScales.length);
  if (!areWithin(node.weightScales, Number.MIN_VALUE, Number.MAX_VALUE)) {
    fail('GRAPH_QUANTISATION', node.name, 'positive weight scales', 'another value');
  }
  requireRequantisation(node.name, outputs, node.requantisation);
  requireClamp(node.name, node.clamp);
  requireAccumulators(node.name, node.weights, node.bias, input);
}

function validateAdd(node: AddNode, inputs: readonly ActivationTensor[]): void {
  for (const input of inputs) requireShape(node.name, input.shape, node.output.shape);
  requireCount(node.name, 'multipliers', inputs.length, node.multipliers.length);
  if (inputs.length > MAXIMUM_TERMS) {
    fail('GRAPH_ACCUMULATOR', node.name, `at most ${MAXIMUM_TERMS} inputs`, `${inputs.length}`);
  }
  if (node.multipliers.some((value) => value < 0) || node.shift < 0 || node.shift > MAXIMUM_SHIFT) {
    const received = `${node.multipliers.join(', ')} and ${node.shift}`;
    fail('GRAPH_PARAMETERS', node.name, 'multipliers in 0…32767 and a shift in 0…30', received);
  }
  requireClamp(node.name, node.clamp);
}

function validateConcat(node: ConcatNode, inputs: readonly ActivationTensor[]): void {
  const [height, width] = inputs[0].shape;
  for (const input of inputs) {
    requireSameQuantisation(node.name, input, node.output);
    requireShape(node.name, [height, width, input.shape[2]], input.shape);
  }
  const channels = inputs.reduce((sum, { shape }) => sum + shape[2], 0);
  requireShape(node.name, [height, width, channels], node.output.shape);
}

function validateMultiply(node: MultiplyNode, input: ActivationTensor, gate: ActivationTensor): void {
  requireShape(node.name, input.shape, node.output.shape);
  const perChannel = gate.shape[0] === 1 && gate.shape[1] === 1 && gate.shape[2] === input.shape[2];
  if (!perChannel) requireShape(node.name, input.shape, gate.shape);
  requireRequantisation(node.name, 1, node.requantisation);
  requireClamp(node.name, node.clamp);
}

function validateAveragePool(node: AveragePoolNode, input: ActivationTensor): void {
  requireWindow(node, input.shape, input.shape[2]);
  requirePixelInEveryWindow(node, input.shape);
  const pixels = node.kernel[0] * node.kernel[1];
  if (pixels * 255 > ACCUMULATOR_LIMIT) {
    fail('GRAPH_ACCUMULATOR', node.name, 'a window whose sum fits', `${pixels} pixels`);
  }
  const entries = node.requantisation.multiplier.length === 1 ? 1 : pixels;
  requireRequantisation(node.name, entries, node.requantisation);
  requireClamp(node.name, node.clamp);
}

function validateMaxPool(node: MaxPoolNode, input: ActivationTensor): void {
  requireWindow(node, input.shape, input.shape[2]);
  requirePixelInEveryWindow(node, input.shape);
  requireSameQuantisation(node.name, input, node.output);
}

function validateSelect(node: SelectNode, input: ActivationTensor): void {
  const choices = [node.rows, node.columns, node.channels];
  requireShape(node.name, [node.rows.length, node.columns.length, node.channels.length], node.output.shape);
  choices.forEach((choice, axis) => {
    if (!areWithin(choice, 0, input.shape[axis] - 1)) {
      fail('GRAPH_PARAMETERS', node.name, `places in 0…${input.shape[axis] - 1}`, 'one outside the input');
    }
  });
  requireSameQuantisation(node.name, input, node.output);
}

function validatePad(node: PadNode, input: ActivationTensor): void {
  const [height, width, channels] = input.shape;
  const { top, left, bottom, right } = node.padding;
  requireShape(node.name, [height + top + bottom, width + left + right, channels], node.output.shape);
  requireSameQuantisation(node.name, input, node.output);
}
