import { RefusedError } from '../../../errors.ts';
import type { ImportContext, Operation } from '../context.ts';

export function importRelu(operation: Operation, context: ImportContext): void {
  emitClamp(operation, context, 0, Number.POSITIVE_INFINITY);
}

/** Clip with its bounds as inputs or as attributes; a bound left out is infinite. */
export function importClip(operation: Operation, context: ImportContext): void {
  const minimum = bound(operation, context, 1, 'min', Number.NEGATIVE_INFINITY);
  const maximum = bound(operation, context, 2, 'max', Number.POSITIVE_INFINITY);
  const leavesNumbers =
    minimum <= maximum && minimum < Number.POSITIVE_INFINITY && maximum > Number.NEGATIVE_INFINITY;
  if (!leavesNumbers) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'The bounds of a Clip leave no finite number', {
      node: operation.label,
      expected: 'min ≤ max, a finite number between',
      received: `${minimum}…${maximum}`,
    });
  }
  emitClamp(operation, context, minimum, maximum);
}

function bound(
  operation: Operation,
  context: ImportContext,
  index: number,
  name: string,
  otherwise: number,
): number {
  if ((operation.node.input[index] ?? '') === '') return operation.attributes.bound(name, otherwise);
  const { values } = context.constant(operation, index);
  if (values.length !== 1) {
    throw new RefusedError('ONNX_SHAPE', 'A bound of a Clip is not one number', {
      node: operation.label,
      field: name,
      expected: 'a scalar',
      received: `${values.length} values`,
    });
  }
  return values[0];
}

function emitClamp(operation: Operation, context: ImportContext, minimum: number, maximum: number): void {
  const input = context.activation(operation, 0);
  if (minimum === Number.NEGATIVE_INFINITY && maximum === Number.POSITIVE_INFINITY) {
    context.alias(operation, input);
    return;
  }
  context.emit(
    operation,
    { op: 'clamp', input: input.name, clamp: { minimum, maximum } },
    input.dims,
    input.order,
  );
}

export function importSigmoid(operation: Operation, context: ImportContext): void {
  const input = context.activation(operation, 0);
  context.emit(operation, { op: 'sigmoid', input: input.name }, input.dims, input.order);
}

/** A softmax that makes the graph's output is the host's readout; elsewhere it would need floats inside. */
export function importSoftmax(operation: Operation, context: ImportContext): void {
  const input = context.activation(operation, 0);
  if (!context.outputs.has(operation.node.output[0])) {
    throw new RefusedError('ONNX_OPERATOR', 'A softmax inside the network has no integer form', {
      node: operation.label,
      received: operation.node.opType,
      remedy:
        'use Sigmoid for gates; a softmax is possible only as the last operator, where it runs on the host',
    });
  }
  const axis = operation.attributes.integer('axis', context.opset < 13 ? 1 : -1);
  const classAxis = axis < 0 ? axis + input.dims.length : axis;
  if (classAxis !== 1) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'The final softmax does not run over the classes', {
      node: operation.label,
      field: 'axis',
      expected: '1',
      received: `${axis}`,
    });
  }
  context.alias(operation, input);
}
