/** Two tensors of different shapes brought to one: what has one row, column or channel is repeated along it. */
import { RefusedError } from '../../../errors.ts';
import { everything } from '../../float/graph.ts';
import { type Activation, type ImportContext, type Operation, shapeOf } from '../context.ts';
import { sameDims, sameOrder } from '../vectors.ts';

/** @throws RefusedError `ONNX_BROADCAST` */
export function broadcast(
  operation: Operation,
  context: ImportContext,
  a: Activation,
  b: Activation,
): readonly [Activation, Activation] {
  if (sameDims(a.dims, b.dims)) {
    requireSameOrder(operation, a, b);
    return [a, b];
  }
  const fits =
    a.dims.length === 4 &&
    b.dims.length === 4 &&
    a.order === null &&
    b.order === null &&
    a.dims.every((extent, i) => extent === b.dims[i] || extent === 1 || b.dims[i] === 1);
  if (!fits) {
    throw new RefusedError('ONNX_BROADCAST', `${operation.node.opType} of two tensors of different shapes`, {
      node: operation.label,
      expected: 'equal shapes, or [N, C, H, W] with an extent of 1 where they differ',
      received: `[${a.dims.join(', ')}] and [${b.dims.join(', ')}]`,
      remedy: 'bring both to one shape before this operator',
    });
  }
  const dims = a.dims.map((extent, i) => Math.max(extent, b.dims[i]));
  return [repeated(operation, context, a, dims), repeated(operation, context, b, dims)];
}

export function requireSameOrder({ node, label }: Operation, a: Activation, b: Activation): void {
  if (sameOrder(a.order, b.order)) return;
  throw new RefusedError('ONNX_BROADCAST', `${node.opType} of channels and the pixels of a flattened map`, {
    node: label,
    remedy: 'make both by layers, or flatten both',
  });
}

function repeated(
  operation: Operation,
  context: ImportContext,
  activation: Activation,
  dims: readonly number[],
): Activation {
  if (sameDims(activation.dims, dims)) return activation;
  const from = shapeOf(activation.dims);
  const to = shapeOf(dims);
  const [rows, columns, channels] = to.map((extent, axis) =>
    from[axis] === extent ? everything(extent) : new Int32Array(extent),
  );
  const draft = { op: 'select', input: activation.name, rows, columns, channels } as const;
  return { name: context.append(operation, draft, to), dims, order: null };
}
