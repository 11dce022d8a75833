/** Nodes whose inputs are all constants, computed at import: weights that are rearranged, and arithmetic on shapes. */
import { RefusedError } from '../../errors.ts';
import { arithmeticOf, type Pointwise } from './constants/arithmetic.ts';
import { broadcastTogether, gathered, joined, reshaped, sliced, transposed } from './constants/arrange.ts';
import type { ImportContext, Operation } from './context.ts';
import { type Constant, countOf, REAL_TYPES, readTensor } from './tensor.ts';

/** Values that a node may make out of few: a guard against shapes of gigabytes. */
const MOST_GROWN = 2 ** 20;

/**
 * Computes a node on constants. @returns false where an input comes from the image, or the operator is none of these
 * @throws RefusedError `ONNX_SHAPE`, `ONNX_ATTRIBUTE`
 */
export function foldConstants(operation: Operation, context: ImportContext): boolean {
  const { node } = operation;
  const named = node.input.filter((input) => input !== '');
  if (named.length === 0 || !named.every((input) => context.findConstant(input) !== undefined)) return false;
  const inputs = node.input.map((input) => context.findConstant(input));
  // Nothing more is computed once it is too much.
  context.chargeConstant(operation, 0);
  const made = computed(operation, inputs, context.opset);
  if (made === null) return false;
  context.chargeConstant(operation, made.values.length);
  context.defineConstant(node.output[0], made);
  return true;
}

type Inputs = readonly (Constant | undefined)[];

function computed(operation: Operation, inputs: Inputs, opset: number): Constant | null {
  const { node, attributes } = operation;
  const first = required(operation, inputs, 0);
  const pointwise: Pointwise | undefined = arithmeticOf(node.opType);
  if (pointwise !== undefined)
    return broadcastTogether(
      operation,
      inputs.map((_, i) => required(operation, inputs, i)),
      pointwise,
    );
  switch (node.opType) {
    case 'Identity':
    case 'Dropout':
      return first;
    case 'Cast':
      return cast(first, attributes.integer('to', 1));
    case 'Shape': {
      const extents = sliceOf(
        first.dims,
        attributes.integer('start', 0),
        attributes.integer('end', first.dims.length),
      );
      return integers(extents);
    }
    case 'Size':
      return { dims: [], kind: 'integer', values: Float64Array.of(first.values.length) };
    case 'Reshape':
      return reshaped(
        operation,
        first,
        listed(operation, inputs, 1),
        attributes.integer('allowzero', 0) === 0,
      );
    case 'Flatten':
      return flattened(first, attributes.integer('axis', 1));
    case 'Squeeze':
    case 'Unsqueeze': {
      const axes = attributes.integers('axes') ?? (inputs[1] && Array.from(inputs[1].values));
      return node.opType === 'Squeeze' ? squeezed(first, axes) : unsqueezed(operation, first, axes ?? []);
    }
    case 'Transpose':
      return transposed(
        operation,
        first,
        attributes.integers('perm') ?? first.dims.map((_, i) => first.dims.length - 1 - i),
      );
    case 'Slice':
      return sliced(operation, first, sliceBounds(operation, inputs, opset, first.dims.length));
    case 'Gather':
      return gathered(operation, first, required(operation, inputs, 1), attributes.integer('axis', 0));
    case 'Concat':
      return joined(
        operation,
        inputs.map((_, i) => required(operation, inputs, i)),
        attributes.integer('axis', 0),
      );
    case 'ConstantOfShape':
      return filled(operation, first);
    case 'Expand': {
      const shape = listed(operation, inputs, 1);
      requireModest(operation, shape);
      const ones = {
        dims: shape,
        kind: first.kind,
        values: new Float64Array(countOf(shape)).fill(1),
      } as const;
      return broadcastTogether(operation, [first, ones], { kind: null, compute: ([value]) => value });
    }
    case 'Range':
      return ranged(operation, inputs);
    default:
      return null;
  }
}

const integers = (values: readonly number[]): Constant => ({
  dims: [values.length],
  kind: 'integer',
  values: Float64Array.from(values),
});

function required({ label, node }: Operation, inputs: Inputs, index: number): Constant {
  const found = inputs[index];
  if (found !== undefined) return found;
  throw new RefusedError('ONNX_OPERANDS', `${node.opType} lacks an input`, {
    node: label,
    expected: `input ${index}`,
    received: `${inputs.length} inputs`,
    remedy: 'export the model again',
  });
}

function listed(operation: Operation, inputs: Inputs, index: number): number[] {
  return Array.from(required(operation, inputs, index).values);
}

function requireModest({ label, node }: Operation, dims: readonly number[]): void {
  if (dims.every((extent) => Number.isInteger(extent) && extent >= 0) && countOf(dims) <= MOST_GROWN) return;
  throw new RefusedError('ONNX_SHAPE', `${node.opType} makes a constant of an impossible size`, {
    node: label,
    expected: `at most ${MOST_GROWN} values`,
    received: dims.join('×'),
  });
}

function cast(constant: Constant, to: number): Constant {
  if (REAL_TYPES.includes(to)) return { ...constant, kind: 'float' };
  return { ...constant, kind: 'integer', values: constant.values.map(Math.trunc) };
}

function sliceOf(dims: readonly number[], start: number, end: number): readonly number[] {
  const at = (value: number) => (value < 0 ? value + dims.length : value);
  return dims.slice(Math.max(0, at(start)), Math.max(0, at(end)));
}

function flattened(constant: Constant, axis: number): Constant {
  const at = axis < 0 ? axis + constant.dims.length : axis;
  const dims = [countOf(constant.dims.slice(0, at)), countOf(constant.dims.slice(at))];
  return { ...constant, dims };
}

function squeezed(constant: Constant, axes: readonly number[] | undefined): Constant {
  const places = axes?.map((axis) => (axis < 0 ? axis + constant.dims.length : axis));
  return {
    ...constant,
    dims: constant.dims.filter(
      (extent, axis) => extent !== 1 || (places !== undefined && !places.includes(axis)),
    ),
  };
}

function unsqueezed({ label }: Operation, constant: Constant, axes: readonly number[]): Constant {
  const dims = [...constant.dims];
  const rank = dims.length + axes.length;
  const places = axes.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
  if (rank > 16 || places.some((axis) => !(axis >= 0 && axis < rank))) {
    throw new RefusedError('ONNX_SHAPE', 'The axes of an Unsqueeze do not fit its input', {
      node: label,
      received: axes.join(', '),
    });
  }
  for (const axis of places) dims.splice(axis, 0, 1);
  return { ...constant, dims };
}

/** Starts, ends, axes and steps as attributes (to opset 9) or inputs. */
function sliceBounds(operation: Operation, inputs: Inputs, opset: number, rank: number) {
  const { attributes } = operation;
  const at = (index: number, name: string) =>
    opset < 10 ? attributes.integers(name)?.slice() : inputs[index] && Array.from(inputs[index].values);
  const starts = at(1, 'starts') ?? [];
  return {
    starts,
    ends: at(2, 'ends') ?? [],
    axes: (at(3, 'axes') ?? starts.map((_, i) => i)).map((axis) => (axis < 0 ? axis + rank : axis)),
    steps: (opset < 10 ? undefined : at(4, '')) ?? starts.map(() => 1),
  };
}

function filled(operation: Operation, shape: Constant): Constant {
  const dims = Array.from(shape.values);
  requireModest(operation, dims);
  const tensor = operation.attributes.get('value')?.t;
  const value = tensor === undefined ? 0 : (readTensor(tensor, operation.label).values[0] ?? 0);
  const kind = tensor !== undefined && !REAL_TYPES.includes(tensor.dataType) ? 'integer' : 'float';
  return { dims, kind, values: new Float64Array(countOf(dims)).fill(value) };
}

function ranged(operation: Operation, inputs: Inputs): Constant {
  const [start, limit, step] = [0, 1, 2].map(
    (index) => required(operation, inputs, index).values[0] ?? Number.NaN,
  );
  const length = Math.max(0, Math.ceil((limit - start) / step));
  requireModest(operation, [length]);
  const { kind } = required(operation, inputs, 0);
  return { dims: [length], kind, values: Float64Array.from({ length }, (_, i) => start + i * step) };
}
