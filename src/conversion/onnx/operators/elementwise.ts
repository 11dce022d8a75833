/** Add, Sub, Mul and Div, with a constant per channel or between two activations; BatchNormalization; Concat. */
import { RefusedError } from '../../../errors.ts';
import { named } from '../../formula/formula.ts';
import type { Activation, ImportContext, Operation } from '../context.ts';
import { shapeOf } from '../context.ts';
import type { Constant } from '../tensor.ts';
import { channelVector, permuted, sameDims } from '../vectors.ts';
import { broadcast, requireSameOrder } from './broadcast.ts';

/** Sum of any number of tensors. */
export function importSum(operation: Operation, context: ImportContext): void {
  const { node } = operation;
  const isTensors = node.input.every((input) => context.findConstant(input) === undefined);
  if (node.input.length === 2 || !isTensors) {
    importAdd(operation, context);
    return;
  }
  const inputs = node.input.map((_, index) => context.activation(operation, index));
  const [first] = inputs;
  for (const other of inputs) requireSameShape(operation, first, other);
  if (inputs.length === 1) context.alias(operation, first);
  else {
    const names = inputs.map(({ name }) => name);
    context.emit(operation, { op: 'add', inputs: names, clamp: null }, first.dims, first.order);
  }
}

export function importAdd(operation: Operation, context: ImportContext): void {
  const { activations, constant } = operands(operation, context);
  if (constant !== undefined) {
    const [input] = activations;
    const offset = channelVector(operation, constant, input);
    emitAffine(operation, context, input, new Float64Array(offset.length).fill(1), offset);
    return;
  }
  const [a, b] = broadcast(operation, context, activations[0], activations[1]);
  context.emit(operation, { op: 'add', inputs: [a.name, b.name], clamp: null }, a.dims, a.order);
}

/** x − constant, constant − x, or x − y as x + (−1) × y. */
export function importSubtract(operation: Operation, context: ImportContext): void {
  const { activations, constant } = operands(operation, context);
  if (constant === undefined) {
    const [a, b] = broadcast(operation, context, activations[0], activations[1]);
    const channels = shapeOf(b.dims)[2];
    const [scale, offset] = [new Float64Array(channels).fill(-1), new Float64Array(channels)];
    const negated = context.append(
      operation,
      { op: 'affine', input: b.name, scale, offset },
      shapeOf(b.dims),
    );
    context.emit(operation, { op: 'add', inputs: [a.name, negated], clamp: null }, a.dims, a.order);
    return;
  }
  const [input] = activations;
  const values = channelVector(operation, constant, input);
  const isFirst = context.findConstant(operation.node.input[0]) !== undefined;
  const scale = new Float64Array(values.length).fill(isFirst ? -1 : 1);
  emitAffine(operation, context, input, scale, isFirst ? values : values.map((value) => -value));
}

/** x ÷ constant, or x × 1/y: a table, and with a function of the same tensor one function. */
export function importDivide(operation: Operation, context: ImportContext): void {
  if (context.findConstant(operation.node.input[1]) === undefined) {
    divideByActivation(operation, context);
    return;
  }
  const input = context.activation(operation, 0);
  const divisor = channelVector(operation, context.weights(operation, 1), input);
  if (divisor.includes(0)) {
    throw new RefusedError('ONNX_NOT_FINITE', 'A division by zero', { node: operation.label });
  }
  emitAffine(
    operation,
    context,
    input,
    divisor.map((value) => 1 / value),
    new Float64Array(divisor.length),
  );
}

function divideByActivation(operation: Operation, context: ImportContext): void {
  const divisor = context.activation(operation, 1);
  const formula = named('reciprocal');
  const inverse = context.append(
    operation,
    { op: 'function', input: divisor.name, formula },
    shapeOf(divisor.dims),
  );
  const { activations, constant } = operands(operation, context);
  multiply(operation, context, { ...divisor, name: inverse }, constant ?? activations[0]);
}

export function importMultiply(operation: Operation, context: ImportContext): void {
  const { activations, constant } = operands(operation, context);
  multiply(operation, context, activations[0], constant ?? activations[1]);
}

function multiply(
  operation: Operation,
  context: ImportContext,
  a: Activation,
  b: Activation | Constant,
): void {
  if ('values' in b) {
    const scale = channelVector(operation, b, a);
    emitAffine(operation, context, a, scale, new Float64Array(scale.length));
    return;
  }
  const [input, gate] = isPerChannel(a) && !isPerChannel(b) ? [b, a] : [a, b];
  const broadcasts =
    input.dims.length === 4 && isPerChannel(gate) && gate.dims[1] === input.dims[1] && gate.dims.length === 4;
  if (broadcasts) requireSameOrder(operation, input, gate);
  const [values, factors] = broadcasts ? [input, gate] : broadcast(operation, context, input, gate);
  context.emit(
    operation,
    { op: 'multiply', input: values.name, gate: factors.name, clamp: null },
    values.dims,
    values.order,
  );
}

export function importBatchNormalization(operation: Operation, context: ImportContext): void {
  const { label, attributes, node } = operation;
  const input = context.activation(operation, 0);
  attributes.requireInteger(label, 'training_mode', 0, 'export the model in inference mode (model.eval())');
  if (node.output.filter((output) => output !== '').length > 1) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'BatchNormalization in training mode', {
      node: label,
      expected: 'one output',
      received: `${node.output.length} outputs`,
      remedy: 'export the model in inference mode (model.eval())',
    });
  }
  const channels = input.dims[1];
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => {
    const { values } = context.weights(operation, index);
    if (values.length !== channels) {
      throw new RefusedError('ONNX_SHAPE', 'The parameters of a batch norm do not fit its input', {
        node: label,
        field: node.input[index],
        expected: `${channels} values`,
        received: `${values.length}`,
      } as const);
    }
    return values;
  });
  if (variance.some((value) => value < 0)) {
    throw new RefusedError('ONNX_NOT_FINITE', 'A batch norm has a negative variance', {
      node: label,
      remedy: 'the file is damaged or was not exported from a trained model; export again',
    });
  }
  const epsilon = attributes.float('epsilon', 1e-5);
  const scale = gamma.map((value, c) => value / Math.sqrt(variance[c] + epsilon));
  const offset = beta.map((value, c) => value - mean[c] * scale[c]);
  requireFinite(operation, scale, offset);
  emitAffine(operation, context, input, permuted(scale, input.order), permuted(offset, input.order));
}

export function importConcat(operation: Operation, context: ImportContext): void {
  const inputs = operation.node.input.map((_, index) => context.activation(operation, index));
  const rank = inputs[0].dims.length;
  const axis = operation.attributes.integer('axis', Number.NaN);
  const alike = inputs.every(
    ({ dims }) => dims.length === rank && dims.every((e, i) => i === 1 || e === inputs[0].dims[i]),
  );
  if ((axis < 0 ? axis + rank : axis) !== 1 || !alike) {
    throw new RefusedError('ONNX_SHAPE', 'Concat joins tensors of one size along the channels only', {
      node: operation.label,
      expected: 'axis 1, the same height and width',
      received: `axis ${axis}, ${inputs.map(({ dims }) => `[${dims.join(', ')}]`).join(' and ')}`,
    });
  }
  const dims = inputs[0].dims.map((extent, i) =>
    i === 1 ? inputs.reduce((sum, input) => sum + input.dims[1], 0) : extent,
  );
  context.emit(
    operation,
    { op: 'concat', inputs: inputs.map(({ name }) => name) },
    dims,
    joinedOrder(inputs),
  );
}

function joinedOrder(inputs: readonly Activation[]): Int32Array | null {
  if (inputs.every(({ order }) => order === null)) return null;
  let start = 0;
  const parts = inputs.flatMap(({ dims, order }) => {
    const first = start;
    start += dims[1];
    return Array.from({ length: dims[1] }, (_, i) => first + (order === null ? i : order[i]));
  });
  return Int32Array.from(parts);
}

interface Operands {
  readonly activations: readonly Activation[];
  readonly constant: Constant | undefined;
}

function operands(operation: Operation, context: ImportContext): Operands {
  const { node } = operation;
  const constantIndex = [0, 1].find((index) => context.findConstant(node.input[index]) !== undefined);
  if (constantIndex === undefined) {
    return {
      activations: [context.activation(operation, 0), context.activation(operation, 1)],
      constant: undefined,
    };
  }
  return {
    activations: [context.activation(operation, 1 - constantIndex)],
    constant: context.weights(operation, constantIndex),
  };
}

function isPerChannel({ dims }: Activation): boolean {
  const [height, width] = shapeOf(dims);
  return height * width === 1;
}

function requireSameShape(operation: Operation, a: Activation, b: Activation): void {
  if (sameDims(a.dims, b.dims)) {
    requireSameOrder(operation, a, b);
    return;
  }
  throw new RefusedError('ONNX_BROADCAST', `${operation.node.opType} of tensors of different shapes`, {
    node: operation.label,
    expected: 'equal shapes',
    received: `[${a.dims.join(', ')}] and [${b.dims.join(', ')}]`,
    remedy: 'bring all to one shape before this operator',
  });
}

function emitAffine(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  scale: Float64Array,
  offset: Float64Array,
): void {
  context.emit(operation, { op: 'affine', input: input.name, scale, offset }, input.dims, input.order);
}

function requireFinite(operation: Operation, ...vectors: readonly Float64Array[]): void {
  if (vectors.every((vector) => vector.every(Number.isFinite))) return;
  throw new RefusedError('ONNX_NOT_FINITE', 'A batch norm divides by zero', {
    node: operation.label,
    expected: 'variance + epsilon > 0',
  });
}
