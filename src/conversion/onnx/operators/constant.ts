/** Constants, and shapes, of which the batch counts as 1; arithmetic on them is folded before. */
import { RefusedError } from '../../../errors.ts';
import type { ImportContext, Operation } from '../context.ts';
import { type Constant, readTensor } from '../tensor.ts';

export function importConstant(operation: Operation, context: ImportContext): void {
  context.defineConstant(operation.node.output[0], constantOf(operation));
}

function constantOf({ attributes, label }: Operation): Constant {
  const tensor = attributes.get('value')?.t;
  if (tensor !== undefined) return readTensor(tensor, label);
  const scalar = (name: string, kind: Constant['kind']) => {
    const value = kind === 'float' ? attributes.get(name)?.f : attributes.get(name)?.i;
    return attributes.get(name) && { dims: [], kind, values: Float64Array.of(value ?? 0) };
  };
  const vector = (name: string, kind: Constant['kind']) => {
    const attribute = attributes.get(name);
    const values = kind === 'float' ? attribute?.floats : attribute?.ints;
    return values && { dims: [values.length], kind, values: Float64Array.from(values) };
  };
  const found =
    scalar('value_float', 'float') ??
    scalar('value_int', 'integer') ??
    vector('value_floats', 'float') ??
    vector('value_ints', 'integer');
  if (found === undefined) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'A constant without a dense value', {
      node: label,
      expected: 'value, value_float, value_floats, value_int or value_ints',
    });
  }
  return found;
}

/** Shape: the extents of an activation. */
export function importShape(operation: Operation, context: ImportContext): void {
  const { dims } = context.activation(operation, 0);
  const at = (value: number) => (value < 0 ? value + dims.length : value);
  const start = at(operation.attributes.integer('start', 0));
  const end = at(operation.attributes.integer('end', dims.length));
  const values = Float64Array.from(dims.slice(start, end));
  context.defineConstant(operation.node.output[0], { dims: [values.length], kind: 'integer', values });
}

/** Concat of shapes, also of none. @returns false where an operand is not a constant */
export function concatConstants(operation: Operation, context: ImportContext): boolean {
  const parts = operation.node.input.map((input) => context.findConstant(input));
  if (!parts.every((part) => part?.kind === 'integer')) return false;
  const values = Float64Array.from(parts.flatMap((part) => Array.from(part?.values ?? [])));
  context.defineConstant(operation.node.output[0], { dims: [values.length], kind: 'integer', values });
  return true;
}
