import { RefusedError } from '../../../errors.ts';
import type { ImportContext, Operation } from '../context.ts';
import { REAL_TYPES } from '../tensor.ts';

/** Between real types, or from the bytes of the image: the float graph computes in float32 either way. */
export function importCast(operation: Operation, context: ImportContext): void {
  const to = operation.attributes.integer('to', 1);
  if (!REAL_TYPES.includes(to)) {
    throw new RefusedError('ONNX_OPERATOR', 'Cast of values of the image to whole numbers', {
      node: operation.label,
      received: `type ${to}`,
      remedy: 'export in float32 without casts to whole numbers',
    });
  }
  context.alias(operation, context.activation(operation, 0));
}
