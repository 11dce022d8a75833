/**
 * Transposes pushed to nothing: a tensor remembers which axis is which, and an operator that does not care works on it as if
 * the channels came first. What is left of TensorFlow's order (channels last) is the order of the float graph itself.
 */
import { RefusedError } from '../../errors.ts';
import { Attributes } from './attributes.ts';
import { transposed } from './constants/arrange.ts';
import type { Activation, ImportContext, Importer, Operation } from './context.ts';
import type { OnnxNode } from './decode.ts';
import type { Constant } from './tensor.ts';

/** Of N, height, width, channels. */
export const CHANNELS_LAST: readonly number[] = [0, 2, 3, 1];

/** Value by value, whatever the axes mean. */
const POINTWISE = new Set([
  ...[
    'Relu',
    'Clip',
    'Sigmoid',
    'LeakyRelu',
    'PRelu',
    'Elu',
    'Selu',
    'Celu',
    'HardSwish',
    'HardSigmoid',
    'Tanh',
  ],
  ...[
    'Softplus',
    'Softsign',
    'Mish',
    'Gelu',
    'Erf',
    'Swish',
    'Silu',
    'Neg',
    'Abs',
    'Sqrt',
    'Exp',
    'Log',
    'Reciprocal',
    'Sign',
    'Sin',
    'Cos',
    'Atan',
    'Floor',
    'Ceil',
    'Round',
    'Greater',
    'GreaterOrEqual',
    'Less',
    'LessOrEqual',
    'Not',
    'Where',
  ],
  ...[
    'Identity',
    'Dropout',
    'Cast',
    'Add',
    'Sub',
    'Mul',
    'Div',
    'Sum',
    'Min',
    'Max',
    'Pow',
    'ThresholdedRelu',
  ],
]);
/** Along one axis, which their attribute `axis` names. */
const ALONG_AXIS = new Set(['Concat', 'Softmax', 'LogSoftmax', 'Split']);
/** Over axes, which an attribute or the second input lists. */
const OVER_AXES = new Set(['ReduceMean', 'ReduceMax', 'ReduceSum', 'Squeeze']);

/** Calls the importer on a node whose activations have their channels first, and puts the result back in its order. */
export function importInLayout(operation: Operation, context: ImportContext, importer: Importer): void {
  const { node } = operation;
  const axes = node.input
    .map((input) => context.findActivation(input)?.axes)
    .find((each) => each !== undefined);
  if (axes === undefined || ['Transpose', 'Shape', 'Reshape', 'Flatten'].includes(node.opType)) {
    importer(operation, context);
    return;
  }
  if (!POINTWISE.has(node.opType) && !ALONG_AXIS.has(node.opType) && !OVER_AXES.has(node.opType)) {
    throw moved(operation, axes);
  }
  importer(straightened(operation, context, axes), context);
  for (const output of node.output) {
    const made = context.findActivation(output);
    if (made?.dims.length === 4) context.define(output, inOrder(made, axes));
  }
}

/** Transpose: no value moves, the axes have other names. */
export function importTranspose(operation: Operation, context: ImportContext): void {
  const input = context.findActivation(operation.node.input[0] ?? '') ?? context.activation(operation, 0);
  const rank = input.dims.length;
  const order = operation.attributes.integers('perm') ?? input.dims.map((_, axis) => rank - 1 - axis);
  const isOrder = order.length === rank && input.dims.every((_, axis) => order.includes(axis));
  const isNothing = order.every((axis, place) => axis === place);
  if (!isOrder || (!isNothing && (rank !== 4 || order[0] !== 0 || input.order !== null))) {
    throw new RefusedError('ONNX_OPERATOR', 'Transpose of other axes than channels, height and width', {
      node: operation.label,
      expected: 'an order of four axes, the batch first',
      received: `[${order.join(', ')}] of [${input.dims.join(', ')}]`,
      remedy: 'export with channels first (NCHW) from input to output',
    });
  }
  if (isNothing) {
    context.alias(operation, input);
    return;
  }
  const current = input.axes ?? [0, 1, 2, 3];
  const axes = order.map((axis) => current[axis]);
  const { name, order: elements } = input;
  const dims = order.map((axis) => input.dims[axis]);
  context.alias(operation, tagged({ name, dims, order: elements }, axes));
}

function tagged(activation: Activation, axes: readonly number[]): Activation {
  const { name, dims, order } = activation;
  return axes.every((axis, place) => axis === place) ? { name, dims, order } : { name, dims, order, axes };
}

/** An activation with the channels first, its axes in another order. */
function inOrder({ name, dims, order }: Activation, axes: readonly number[]): Activation {
  return tagged({ name, dims: axes.map((axis) => dims[axis]), order }, axes);
}

/** The node as it would be with the channels first: its inputs under other names, and the axes that it names. */
function straightened(operation: Operation, context: ImportContext, axes: readonly number[]): Operation {
  const { node } = operation;
  const places = (axis: number) => axes[axis < 0 ? axis + 4 : axis];
  const overAxes = OVER_AXES.has(node.opType);
  const input = node.input.map((name, index) => {
    if (name === '') return name;
    const straight = `${name} (input ${index}, channels first)`;
    const activation = context.findActivation(name);
    if (activation !== undefined) {
      context.define(straight, firstChannels(operation, activation, axes));
      return straight;
    }
    const constant = context.findConstant(name);
    if (constant === undefined) return name;
    const values = overAxes ? { ...constant, values: constant.values.map(places) } : null;
    context.defineConstant(straight, values ?? withChannelsFirst(operation, constant, axes));
    return straight;
  });
  const attribute = node.attribute.map((each) => {
    if (ALONG_AXIS.has(node.opType) && each.name === 'axis') return { ...each, i: places(each.i ?? 0) };
    if (overAxes && each.name === 'axes') return { ...each, ints: each.ints.map(places) };
    return each;
  });
  return rebuilt(operation, { ...node, input, attribute });
}

function firstChannels(operation: Operation, activation: Activation, axes: readonly number[]): Activation {
  const own = activation.axes ?? [0, 1, 2, 3];
  const isAlike = activation.dims.length === 4 && own.every((axis, place) => axis === axes[place]);
  if (!isAlike) throw moved(operation, axes);
  const dims = [0, 1, 2, 3].map((axis) => activation.dims[axes.indexOf(axis)]);
  return { name: activation.name, dims, order: activation.order };
}

/** A constant that broadcasts, in the order of channels first. */
function withChannelsFirst(operation: Operation, constant: Constant, axes: readonly number[]): Constant {
  if (constant.values.length === 1 || constant.dims.length > 4) return constant;
  const dims = [...new Array<number>(4 - constant.dims.length).fill(1), ...constant.dims];
  return transposed(
    operation,
    { ...constant, dims },
    [0, 1, 2, 3].map((axis) => axes.indexOf(axis)),
  );
}

/** The operation on another node. */
export function rebuilt({ label }: Operation, node: OnnxNode): Operation {
  return { node, label, attributes: new Attributes(node, label) };
}

export function moved({ node, label }: Operation, axes: readonly number[]): RefusedError {
  return new RefusedError('ONNX_OPERATOR', `${node.opType} where a Transpose has moved the axes`, {
    node: label,
    expected: 'channels before height and width',
    received: axes.map((axis) => 'NCHW'[axis]).join(''),
    remedy: 'export with channels first (NCHW) from input to output',
  });
}
