/** Add, Sub, Mul and Div, with a constant per channel or between two activations; BatchNormalization; Concat. */
import { RefusedError } from '../../../errors.ts';
import type { Activation, ImportContext, Operation } from '../context.ts';
import { shapeOf } from '../context.ts';
import type { Constant } from '../tensor.ts';
import { channelVector, permuted, sameDims, sameOrder } from '../vectors.ts';

export function importAdd(operation: Operation, context: ImportContext): void {
  const { activations, constant } = operands(operation, context);
  if (constant !== undefined) {
    const [input] = activations;
    const offset = channelVector(operation, constant, input);
    emitAffine(operation, context, input, new Float64Array(offset.length).fill(1), offset);
    return;
  }
  const [a, b] = activations;
  requireSameShape(operation, a, b);
  context.emit(operation, { op: 'add', inputs: [a.name, b.name], clamp: null }, a.dims, a.order);
}

/** x − constant. */
export function importSubtract(operation: Operation, context: ImportContext): void {
  const input = context.activation(operation, 0);
  const offset = channelVector(operation, context.weights(operation, 1), input).map((value) => -value);
  emitAffine(operation, context, input, new Float64Array(offset.length).fill(1), offset);
}

/** x ÷ constant. */
export function importDivide(operation: Operation, context: ImportContext): void {
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

export function importMultiply(operation: Operation, context: ImportContext): void {
  const { activations, constant } = operands(operation, context);
  if (constant !== undefined) {
    const [input] = activations;
    const scale = channelVector(operation, constant, input);
    emitAffine(operation, context, input, scale, new Float64Array(scale.length));
    return;
  }
  const [a, b] = activations;
  const [input, gate] = isPerChannel(a) && !isPerChannel(b) ? [b, a] : [a, b];
  refuseSelfGate(operation, context, a, b);
  const broadcasts =
    input.dims.length === 4 && isPerChannel(gate) && gate.dims[1] === input.dims[1] && gate.dims.length === 4;
  if (broadcasts) requireSameOrder(operation, input, gate);
  else requireSameShape(operation, input, gate);
  context.emit(
    operation,
    { op: 'multiply', input: input.name, gate: gate.name, clamp: null },
    input.dims,
    input.order,
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

function requireSameOrder({ node, label }: Operation, a: Activation, b: Activation): void {
  if (sameOrder(a.order, b.order)) return;
  throw new RefusedError('ONNX_BROADCAST', `${node.opType} of channels and the pixels of a flattened map`, {
    node: label,
    remedy: 'make both by layers, or flatten both',
  });
}

function requireSameShape(operation: Operation, a: Activation, b: Activation): void {
  if (sameDims(a.dims, b.dims)) {
    requireSameOrder(operation, a, b);
    return;
  }
  throw new RefusedError('ONNX_BROADCAST', `${operation.node.opType} of two tensors of different shapes`, {
    node: operation.label,
    expected: operation.node.opType === 'Mul' ? 'equal shapes, or a gate of [N, C, 1, 1]' : 'equal shapes',
    received: `[${a.dims.join(', ')}] and [${b.dims.join(', ')}]`,
    remedy: 'bring both to one shape before this operator',
  });
}

/** x × f(x) without a layer between is Swish or HardSwish in other words. */
function refuseSelfGate(operation: Operation, context: ImportContext, a: Activation, b: Activation): void {
  const makers = new Map(context.nodes.map((node) => [node.name, node]));
  const reaches = (from: Activation, to: Activation): boolean => {
    let name = from.name;
    for (let maker = makers.get(name); maker !== undefined; maker = makers.get(name)) {
      if (maker.op !== 'sigmoid' && maker.op !== 'affine' && maker.op !== 'clamp') return false;
      name = maker.input;
      if (name === to.name) return true;
    }
    return false;
  };
  if (!reaches(a, b) && !reaches(b, a)) return;
  throw new RefusedError(
    'ONNX_OPERATOR',
    'Swish or HardSwish (a tensor times a function of itself) has no spiking form',
    {
      node: operation.label,
      received: 'Swish',
      remedy: 'replace it by ReLU6 (Clip 0…6) and retrain',
    },
  );
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
