/** Min and Max: of tensors place by place, or with one number, which is a bound. */
import { RefusedError } from '../../../errors.ts';
import type { ImportContext, Operation } from '../context.ts';
import { broadcast } from './broadcast.ts';

export function importMaximum(operation: Operation, context: ImportContext): void {
  compare(operation, context, 'maximum');
}

export function importMinimum(operation: Operation, context: ImportContext): void {
  compare(operation, context, 'minimum');
}

function compare(operation: Operation, context: ImportContext, kind: 'maximum' | 'minimum'): void {
  const { node } = operation;
  const isConstant = node.input.map((input) => context.findConstant(input) !== undefined);
  const activations = node.input.flatMap((_, i) => (isConstant[i] ? [] : [context.activation(operation, i)]));
  const bounds = node.input.flatMap((_, i) => (isConstant[i] ? [oneNumber(operation, context, i)] : []));
  if (activations.length === 0) {
    throw new RefusedError('ONNX_CONSTANT_OPERAND', `${node.opType} of constants alone`, {
      node: operation.label,
      remedy: 'run the exporter’s constant folding first',
    });
  }
  let joined = activations[0];
  for (const other of activations.slice(1)) {
    const [a, b] = broadcast(operation, context, joined, other);
    const draft = { op: 'extremum', inputs: [a.name, b.name], kind } as const;
    context.emit(operation, draft, a.dims, a.order);
    joined = context.activation({ ...operation, node: { ...node, input: [node.output[0]] } }, 0);
  }
  if (bounds.length === 0) {
    context.alias(operation, joined);
    return;
  }
  const clamp =
    kind === 'maximum'
      ? { minimum: Math.max(...bounds), maximum: Number.POSITIVE_INFINITY }
      : { minimum: Number.NEGATIVE_INFINITY, maximum: Math.min(...bounds) };
  context.emit(operation, { op: 'clamp', input: joined.name, clamp }, joined.dims, joined.order);
}

/** A constant that is the same everywhere. @throws RefusedError `ONNX_BROADCAST` */
export function oneNumber(operation: Operation, context: ImportContext, index: number): number {
  const { values } = context.weights(operation, index);
  if (values.length > 0 && values.every((value) => value === values[0])) return values[0];
  throw new RefusedError('ONNX_BROADCAST', `${operation.node.opType} with a number for each channel`, {
    node: operation.label,
    field: operation.node.input[index],
    expected: 'one number',
    received: `${values.length} values`,
    remedy: 'use one number for all',
  });
}
