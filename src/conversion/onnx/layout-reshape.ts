/** Reshape and Flatten of an image whose axes were moved, and of one where the file is made for several at once. */
import type { Activation, ImportContext, Importer, Operation } from './context.ts';
import { CHANNELS_LAST, moved, rebuilt } from './layout.ts';
import { importFlatten } from './operators/shape.ts';
import { importAnyReshape } from './operators/shuffle.ts';
import type { Constant } from './tensor.ts';

/** Flatten, also of channels last. */
export const flattenAnyOrder: Importer = (operation, context) => {
  const isMoved = context.findActivation(operation.node.input[0] ?? '')?.axes !== undefined;
  (isMoved ? importMovedFlatten : importFlatten)(operation, context);
};

/** Reshape of one image, where the file may be made for `batch` at once. */
export function reshapeForOne(batch: number): Importer {
  return (operation, context) => {
    const wanted = context.findConstant(operation.node.input[1]);
    const target = wanted && Array.from(wanted.values);
    if (target !== undefined && batch > 1 && target[0] === batch) target[0] = 1;
    const input = context.findActivation(operation.node.input[0] ?? '');
    if (input === undefined || target === undefined) {
      importAnyReshape(operation, context);
      return;
    }
    if (input.axes === undefined) {
      if (reshapeToPixel(operation, context, input, target)) return;
      importAnyReshape(withInput(operation, context, 1, vector(target)), context);
      return;
    }
    const total = input.dims.reduce((product, extent) => product * extent, 1);
    const flat = target.length === 2 && (target[1] === total || target[1] === -1);
    if (flat) importMovedFlatten(operation, context);
    else if (!reshapeToPixel(operation, context, input, target)) throw moved(operation, input.axes);
  };
}

/** A vector as the channels of one pixel, wherever they stand. @returns false where it is none of this */
function reshapeToPixel(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  target: readonly number[],
): boolean {
  const total = input.dims.reduce((product, extent) => product * extent, 1);
  const known = target.filter((extent) => extent !== -1).reduce((product, extent) => product * extent, 1);
  const dims = target.map((extent) => (extent === -1 ? total / known : extent));
  const place = dims.indexOf(total);
  const isPixel =
    dims.length === 4 && place >= 2 && total > 1 && dims.every((e, axis) => axis === place || e === 1);
  if (!isPixel || !input.dims.includes(total)) return false;
  const axes = place === 3 ? CHANNELS_LAST : [0, 2, 1, 3];
  context.alias(operation, { name: input.name, dims, order: input.order, axes });
  return true;
}

/** Channels last, flattened: row, column, channel is the order of the float graph itself. */
export function importMovedFlatten(operation: Operation, context: ImportContext): void {
  const input = context.findActivation(operation.node.input[0] ?? '') ?? context.activation(operation, 0);
  const { axes = [], name, order } = input;
  const total = input.dims.reduce((product, extent) => product * extent, 1);
  if (input.dims.includes(total)) {
    context.alias(operation, { name, dims: [1, total], order });
    return;
  }
  const flattens = operation.node.opType === 'Reshape' || operation.attributes.integer('axis', 1) === 1;
  if (!CHANNELS_LAST.every((axis, place) => axis === axes[place]) || !flattens) throw moved(operation, axes);
  context.emit(operation, { op: 'flatten', input: name }, [1, total]);
}

function vector(values: readonly number[]): Constant {
  return { dims: [values.length], kind: 'integer', values: Float64Array.from(values) };
}

function withInput(
  operation: Operation,
  context: ImportContext,
  index: number,
  constant: Constant,
): Operation {
  const { node } = operation;
  const name = `${node.input[index]} (of one image)`;
  context.defineConstant(name, constant);
  return rebuilt(operation, { ...node, input: node.input.map((input, i) => (i === index ? name : input)) });
}
