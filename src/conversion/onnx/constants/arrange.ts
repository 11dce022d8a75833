/** Constants in other shapes and orders. All extents come from a file: each is checked before anything is made of it. */
import { RefusedError } from '../../../errors.ts';
import type { Operation } from '../context.ts';
import { type Constant, countOf } from '../tensor.ts';
import type { Pointwise } from './arithmetic.ts';

/** Values of a constant at most, as of any tensor of the graph. */
const MOST_VALUES = 2 ** 26;
/** Of a concatenation, which may double with every node. */
const MOST_JOINED = 2 ** 24;

/** Distance in the values between neighbours along each axis. */
function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1);
  for (let axis = dims.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * dims[axis + 1];
  return strides;
}

function refusal({ label, node }: Operation, expected: string, received: string): RefusedError {
  return new RefusedError('ONNX_SHAPE', `${node.opType} of a constant that does not fit it`, {
    node: label,
    expected,
    received,
    remedy: 'export the model again, or run the exporter’s constant folding first',
  });
}

function requireModest(operation: Operation, dims: readonly number[], most = MOST_VALUES): void {
  if (countOf(dims) <= most) return;
  throw refusal(operation, `at most ${most} values`, dims.join('×'));
}

/** A constant of these extents, each value from the place that `from` gives for its indices. */
function placed(
  operation: Operation,
  source: Constant,
  dims: readonly number[],
  from: (indices: readonly number[]) => number,
): Constant {
  const total = countOf(dims);
  requireModest(operation, dims);
  const values = new Float64Array(total);
  const indices = dims.map(() => 0);
  for (let at = 0; at < total; at++) {
    values[at] = source.values[from(indices)];
    for (let axis = dims.length - 1; axis >= 0 && ++indices[axis] === dims[axis]; axis--) indices[axis] = 0;
  }
  return { dims, kind: source.kind, values };
}

export function reshaped(
  operation: Operation,
  source: Constant,
  wanted: readonly number[],
  copiesZero: boolean,
): Constant {
  const dims = wanted.map((extent, axis) => (extent === 0 && copiesZero ? (source.dims[axis] ?? 0) : extent));
  const known = countOf(dims.filter((extent) => extent !== -1));
  const full = dims.map((extent) => (extent === -1 ? source.values.length / known : extent));
  const fits = full.every((extent) => Number.isInteger(extent) && extent >= 0);
  if (!fits || countOf(full) !== source.values.length) {
    throw refusal(operation, `${source.values.length} values`, `[${wanted.join(', ')}]`);
  }
  return { ...source, dims: full };
}

export function transposed(operation: Operation, source: Constant, order: readonly number[]): Constant {
  const isOrder = order.length === source.dims.length && source.dims.every((_, axis) => order.includes(axis));
  if (!isOrder) throw refusal(operation, `an order of ${source.dims.length} axes`, order.join(', '));
  const strides = stridesOf(source.dims);
  const dims = order.map((axis) => source.dims[axis]);
  return placed(operation, source, dims, (indices) =>
    indices.reduce((sum, index, axis) => sum + index * strides[order[axis]], 0),
  );
}

export interface SliceBounds {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly axes: readonly number[];
  readonly steps: readonly number[];
}

export function sliced(operation: Operation, source: Constant, bounds: SliceBounds): Constant {
  const { starts, ends, axes, steps } = bounds;
  const begins = source.dims.map(() => 0);
  const paces = source.dims.map(() => 1);
  const dims = source.dims.slice();
  axes.forEach((axis, i) => {
    const extent = source.dims[axis];
    const step = steps[i] ?? 1;
    const fits = extent !== undefined && Number.isInteger(step) && step !== 0 && ends[i] !== undefined;
    if (!fits) throw refusal(operation, `axes of ${source.dims.join('×')} and steps`, `${axis}, ${step}`);
    const place = (value: number) => (value < 0 ? value + extent : value);
    const [lowest, highest] = step > 0 ? [0, extent] : [-1, extent - 1];
    const bounded = (value: number) => Math.min(Math.max(place(value), lowest), highest);
    begins[axis] = Math.max(0, bounded(starts[i]));
    paces[axis] = step;
    dims[axis] = Math.max(0, Math.ceil((bounded(ends[i]) - begins[axis]) / step));
  });
  const strides = stridesOf(source.dims);
  return placed(operation, source, dims, (indices) =>
    indices.reduce((sum, index, axis) => sum + (begins[axis] + index * paces[axis]) * strides[axis], 0),
  );
}

export function gathered(operation: Operation, source: Constant, indices: Constant, axis: number): Constant {
  const at = axis < 0 ? axis + source.dims.length : axis;
  const extent = source.dims[at];
  const chosen = indices.values.map((index) => (index < 0 ? index + (extent ?? 0) : index));
  if (
    extent === undefined ||
    !chosen.every((index) => Number.isInteger(index) && index >= 0 && index < extent)
  ) {
    throw refusal(
      operation,
      `indices into ${source.dims.join('×')} along axis ${axis}`,
      indices.values.join(', '),
    );
  }
  const strides = stridesOf(source.dims);
  const inner = stridesOf(indices.dims);
  const dims = [...source.dims.slice(0, at), ...indices.dims, ...source.dims.slice(at + 1)];
  return placed(operation, source, dims, (place) => {
    const which = inner.reduce((sum, stride, i) => sum + stride * place[at + i], 0);
    const before = place.slice(0, at).reduce((sum, index, i) => sum + index * strides[i], 0);
    const after = place
      .slice(at + inner.length)
      .reduce((sum, index, i) => sum + index * strides[at + 1 + i], 0);
    return before + chosen[which] * strides[at] + after;
  });
}

export function joined(operation: Operation, parts: readonly Constant[], axis: number): Constant {
  const [first] = parts;
  const at = axis < 0 ? axis + first.dims.length : axis;
  const alike = parts.every(
    ({ dims }) =>
      dims.length === first.dims.length && dims.every((extent, i) => i === at || extent === first.dims[i]),
  );
  if (!alike || first.dims[at] === undefined) {
    throw refusal(
      operation,
      'constants of one size',
      parts.map(({ dims }) => `[${dims.join(', ')}]`).join(' and '),
    );
  }
  const dims = first.dims.map((extent, i) =>
    i === at ? parts.reduce((sum, part) => sum + part.dims[at], 0) : extent,
  );
  const rows = countOf(first.dims.slice(0, at));
  requireModest(operation, dims, MOST_JOINED);
  const values = new Float64Array(countOf(dims));
  let to = 0;
  for (let row = 0; row < rows; row++) {
    for (const { values: from } of parts) {
      const length = from.length / rows;
      values.set(from.subarray(row * length, (row + 1) * length), to);
      to += length;
    }
  }
  return { dims, kind: parts.some(({ kind }) => kind === 'float') ? 'float' : 'integer', values };
}

/** NumPy's broadcasting. */
export function broadcastTogether(
  operation: Operation,
  inputs: readonly Constant[],
  { kind, compute }: Pointwise,
): Constant {
  const rank = Math.max(...inputs.map(({ dims }) => dims.length));
  const shapes = inputs.map(({ dims }) => [...new Array<number>(rank - dims.length).fill(1), ...dims]);
  const dims = Array.from({ length: rank }, (_, axis) => {
    const extents = [...new Set(shapes.map((shape) => shape[axis]).filter((extent) => extent !== 1))];
    if (extents.length <= 1) return extents[0] ?? 1;
    throw refusal(
      operation,
      'shapes that broadcast',
      inputs.map((each) => `[${each.dims.join(', ')}]`).join(' and '),
    );
  });
  const isInteger = inputs.every((input) => input.kind === 'integer');
  const steps = shapes.map((shape) => {
    const strides = stridesOf(shape);
    return shape.map((extent, axis) => (extent === 1 ? 0 : strides[axis]));
  });
  const first = { dims, kind: 'float', values: new Float64Array(0) } as const;
  const result = placed(operation, first, dims, () => 0);
  const indices = dims.map(() => 0);
  for (let at = 0; at < result.values.length; at++) {
    const values = inputs.map(
      (input, i) => input.values[steps[i].reduce((sum, step, axis) => sum + step * indices[axis], 0)],
    );
    result.values[at] = compute(values, isInteger);
    for (let axis = rank - 1; axis >= 0 && ++indices[axis] === dims[axis]; axis--) indices[axis] = 0;
  }
  return { ...result, kind: kind ?? (isInteger ? 'integer' : 'float') };
}
