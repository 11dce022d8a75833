/** Functions of one number: the activations of networks, and the arithmetic they are spelled out with. */
import { RefusedError } from '../../../errors.ts';
import { type Formula, named, VALUE } from '../../formula/formula.ts';
import type { FunctionName } from '../../formula/named.ts';
import { type Activation, type ImportContext, type Importer, type Operation, shapeOf } from '../context.ts';
import { channelVector } from '../vectors.ts';

/** A function whose parameters, if any, are attributes of the operator; given with their defaults. */
function importNamed(name: FunctionName, defaults: Readonly<Record<string, number>> = {}): Importer {
  return (operation, context) => {
    const parameters = Object.entries(defaults).map(([attribute, otherwise]) =>
      operation.attributes.float(attribute, otherwise),
    );
    emitFunction(operation, context, context.activation(operation, 0), named(name, parameters));
  };
}

function emitFunction(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  formula: Formula,
): void {
  context.emit(operation, { op: 'function', input: input.name, formula }, input.dims, input.order);
}

function importGelu(operation: Operation, context: ImportContext): void {
  const approximate = operation.attributes.text('approximate', 'none');
  const name = approximate === 'tanh' ? 'GELU by tanh' : 'GELU';
  emitFunction(operation, context, context.activation(operation, 0), named(name));
}

/** One slope: a function. A slope per channel: x × slope + (1 − slope) × ReLU(x). */
function importPRelu(operation: Operation, context: ImportContext): void {
  const input = context.activation(operation, 0);
  const slopes = channelVector(operation, context.weights(operation, 1), input);
  if (slopes.every((slope) => slope === slopes[0])) {
    emitFunction(operation, context, input, named('leaky ReLU', [slopes[0]]));
    return;
  }
  const { dims, order } = input;
  const shape = shapeOf(input.dims);
  const offset = new Float64Array(slopes.length);
  const part = (from: string, scale: Float64Array) =>
    context.append(operation, { op: 'affine', input: from, scale, offset }, shape);
  const positive = context.append(
    operation,
    { op: 'clamp', input: input.name, clamp: { minimum: 0, maximum: Number.POSITIVE_INFINITY } },
    shape,
  );
  const inputs = [
    part(input.name, slopes),
    part(
      positive,
      slopes.map((slope) => 1 - slope),
    ),
  ];
  context.emit(operation, { op: 'add', inputs, clamp: null }, dims, order);
}

/** x^k for one number k; where x is negative and k no whole number there is no value. */
function importPower(operation: Operation, context: ImportContext): void {
  const { values } = context.constant(operation, 1);
  const [exponent] = values;
  if (values.length !== 1 || !Number.isFinite(exponent)) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'Only powers by one number have an integer form', {
      node: operation.label,
      expected: 'one finite exponent',
      received: Array.from(values).slice(0, 4).join(', '),
    });
  }
  const input = context.activation(operation, 0);
  emitFunction(operation, context, input, { kind: 'power', exponent, of: VALUE });
}

function importNegation(operation: Operation, context: ImportContext): void {
  const input = context.activation(operation, 0);
  const channels = shapeOf(input.dims)[2];
  const [scale, offset] = [new Float64Array(channels).fill(-1), new Float64Array(channels)];
  context.emit(operation, { op: 'affine', input: input.name, scale, offset }, input.dims, input.order);
}

/** By their ONNX names. */
export const FUNCTION_IMPORTERS: readonly (readonly [string, Importer])[] = [
  ['Abs', importNamed('magnitude')],
  ['Atan', importNamed('arctangent')],
  ['Ceil', importNamed('ceiling')],
  ['Celu', importNamed('CELU', { alpha: 1 })],
  ['Cos', importNamed('cosine')],
  ['Elu', importNamed('ELU', { alpha: 1 })],
  ['Erf', importNamed('erf')],
  ['Exp', importNamed('exponential')],
  ['Floor', importNamed('floor')],
  ['Gelu', importGelu],
  ['HardSigmoid', importNamed('hard sigmoid', { alpha: 0.2, beta: 0.5 })],
  ['HardSwish', importNamed('hard swish')],
  ['LeakyRelu', importNamed('leaky ReLU', { alpha: 0.01 })],
  ['Log', importNamed('logarithm')],
  ['Mish', importNamed('Mish')],
  ['Neg', importNegation],
  ['PRelu', importPRelu],
  ['Pow', importPower],
  ['Reciprocal', importNamed('reciprocal')],
  ['Round', importNamed('round')],
  ['Selu', importNamed('SELU', { alpha: 1.6732632423543772, gamma: 1.0507009873554805 })],
  ['Sign', importNamed('sign')],
  ['Sin', importNamed('sine')],
  ['Softplus', importNamed('softplus')],
  ['Softsign', importNamed('softsign')],
  ['Sqrt', importNamed('square root')],
  ['Swish', importNamed('SiLU', { alpha: 1 })],
  ['Tanh', importNamed('tanh')],
  ['ThresholdedRelu', importNamed('thresholded ReLU', { alpha: 1 })],
];
