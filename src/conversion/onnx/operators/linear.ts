import { RefusedError } from '../../../errors.ts';
import type { Activation, ImportContext, Operation } from '../context.ts';
import { channelVector, permuted } from '../vectors.ts';

/** Gemm: alpha × A × B + beta × C, A the image's features, B and C constants. */
export function importGemm(operation: Operation, context: ImportContext): void {
  const { attributes, label, node } = operation;
  attributes.requireInteger(label, 'transA', 0, 'export the layer as a plain linear layer');
  const input = features(operation, context);
  const alpha = attributes.float('alpha', 1);
  const beta = attributes.float('beta', 1);
  const { weights, outputs } = readWeights(
    operation,
    context,
    input,
    attributes.integer('transB', 0) === 1,
    alpha,
  );
  const bias =
    (node.input[2] ?? '') === ''
      ? new Float64Array(outputs)
      : channelVector(operation, context.weights(operation, 2), vectorOf(outputs)).map(
          (value) => value * beta,
        );
  context.emit(operation, { op: 'dense', input: input.name, weights, bias, clamp: null }, [1, outputs]);
}

/** MatMul of features and a constant matrix. */
export function importMatMul(operation: Operation, context: ImportContext): void {
  const input = features(operation, context);
  const { weights, outputs } = readWeights(operation, context, input, false, 1);
  context.emit(
    operation,
    { op: 'dense', input: input.name, weights, bias: new Float64Array(outputs), clamp: null },
    [1, outputs],
  );
}

function vectorOf(outputs: number): Activation {
  return { name: '', dims: [1, outputs], order: null };
}

function features(operation: Operation, context: ImportContext): Activation {
  const input = context.activation(operation, 0);
  if (input.dims.length !== 2) {
    throw new RefusedError('ONNX_RANK', `${operation.node.opType} needs a vector of features`, {
      node: operation.label,
      expected: '[N, features]',
      received: `[${input.dims.join(', ')}]`,
      remedy: 'flatten the features first',
    });
  }
  return input;
}

/** [output][input] in the float graph's order of inputs. */
function readWeights(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  transposed: boolean,
  alpha: number,
): { weights: Float64Array; outputs: number } {
  const parameter = context.weights(operation, 1);
  const { dims, values } = parameter;
  if (alpha === 1) context.stateWeights(operation, parameter, transposed ? 0 : 1);
  const inputs = input.dims[1];
  const [outputs, inner] = transposed ? dims : [dims[1], dims[0]];
  if (dims.length !== 2 || inner !== inputs) {
    throw new RefusedError('ONNX_SHAPE', 'The weights of a linear layer do not fit its input', {
      node: operation.label,
      expected: transposed ? `[outputs, ${inputs}]` : `[${inputs}, outputs]`,
      received: `[${dims.join(', ')}]`,
    });
  }
  const weights = new Float64Array(outputs * inputs);
  for (let o = 0; o < outputs; o++) {
    const row = Float64Array.from(
      { length: inputs },
      (_, i) => alpha * values[transposed ? o * inputs + i : i * outputs + o],
    );
    weights.set(permuted(row, input.order), o * inputs);
  }
  return { weights, outputs };
}
