/** Slice, Split and Gather of a tensor that depends on the image: a choice of its rows, columns or channels. */
import { RefusedError } from '../../../errors.ts';
import { everything } from '../../float/graph.ts';
import { type Activation, type ImportContext, type Operation, shapeOf } from '../context.ts';

/** The places that are kept, for each axis of ONNX on which some are not. */
type Choices = ReadonlyMap<number, readonly number[]>;

/** Defines `output` as a choice of `input`; axis 0 is the batch. @throws RefusedError `ONNX_SHAPE` */
export function choose(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  choices: Choices,
  output = operation.node.output[0],
): Activation {
  const partial = new Map([...choices].filter(([axis, places]) => !isWhole(places, input.dims[axis] ?? 0)));
  if (partial.size === 0) {
    context.define(output, input);
    return input;
  }
  const isMap = input.dims.length === 4;
  const fits = [...partial].every(
    ([axis, places]) => places.length > 0 && (axis === 1 || (isMap && (axis === 2 || axis === 3))),
  );
  if (!fits) {
    throw new RefusedError('ONNX_SHAPE', `${operation.node.opType} chooses rows, columns or channels only`, {
      node: operation.label,
      expected: 'some of the axes 1, 2 and 3, one place or more on each',
      received: `axes ${[...partial.keys()].join(', ')} of [${input.dims.join(', ')}]`,
    });
  }
  const [height, width, count] = shapeOf(input.dims);
  const place = (channel: number) => (input.order === null ? channel : input.order[channel]);
  const rows = Int32Array.from(partial.get(2) ?? everything(height));
  const columns = Int32Array.from(partial.get(3) ?? everything(width));
  const channels = Int32Array.from(partial.get(1) ?? everything(count), place);
  const dims = input.dims.map((extent, axis) => partial.get(axis)?.length ?? extent);
  const draft = { op: 'select', input: input.name, rows, columns, channels } as const;
  const chosen = { name: context.append(operation, draft, shapeOf(dims)), dims, order: null };
  context.define(output, chosen);
  return chosen;
}

function isWhole(places: readonly number[], extent: number): boolean {
  return places.length === extent && places.every((place, i) => place === i);
}

/** Starts, ends, axes and steps as inputs (opset 10) or attributes. */
export function importSlice(operation: Operation, context: ImportContext): void {
  const input = context.activation(operation, 0);
  const rank = input.dims.length;
  const starts = listed(operation, context, 1, 'starts') ?? [];
  const ends = listed(operation, context, 2, 'ends') ?? [];
  const axes = listed(operation, context, 3, 'axes') ?? starts.map((_, i) => i);
  const steps = listed(operation, context, 4, 'steps') ?? starts.map(() => 1);
  const alike = [ends, axes, steps].every(({ length }) => length === starts.length);
  if (!alike || steps.includes(0)) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'The bounds of a Slice do not fit one another', {
      node: operation.label,
      expected: 'as many ends, axes and steps as starts, no step of 0',
      received: [starts, ends, axes, steps].map(({ length }) => length).join(', '),
    });
  }
  const choices = axes.map((axis, i) => {
    const place = axis < 0 ? axis + rank : axis;
    return [place, sliced(input.dims[place] ?? 0, starts[i], ends[i], steps[i])] as const;
  });
  choose(operation, context, input, new Map(choices));
}

/** The places of one axis, as ONNX counts them: negative ones from the end, those beyond an end at that end. */
function sliced(extent: number, start: number, end: number, step: number): number[] {
  const from = (value: number) => (value < 0 ? value + extent : value);
  const [least, most] = step > 0 ? [0, extent] : [-1, extent - 1];
  const within = (value: number) => Math.min(Math.max(value, least), most);
  const first = step > 0 ? within(from(start)) : Math.max(within(from(start)), 0);
  // An end before the first place cannot be written as a negative number that counts from the end.
  const last = end < -extent ? least : within(from(end));
  const count = Math.max(0, Math.ceil((last - first) / step));
  return Array.from({ length: Math.min(count, extent) }, (_, i) => first + i * step);
}

/** Parts of stated sizes, or as many equal parts as there are outputs, the last one smaller where they do not divide. */
export function importSplit(operation: Operation, context: ImportContext): void {
  const { node, attributes, label } = operation;
  const input = context.activation(operation, 0);
  const stated = attributes.integer('axis', 0);
  const axis = stated < 0 ? stated + input.dims.length : stated;
  const extent = input.dims[axis] ?? 0;
  const equal = Math.ceil(extent / node.output.length);
  const sizes =
    listed(operation, context, 1, 'split') ?? node.output.map((_, i) => Math.min(equal, extent - i * equal));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (sizes.length !== node.output.length || total !== extent || sizes.some((size) => size < 1)) {
    throw new RefusedError('ONNX_SHAPE', 'The parts of a Split do not fit its input', {
      node: label,
      expected: `${node.output.length} sizes of 1 or more, ${extent} together`,
      received: sizes.join(', '),
    });
  }
  let start = 0;
  node.output.forEach((output, i) => {
    const places = Array.from({ length: sizes[i] }, (_, k) => start + k);
    start += sizes[i];
    if (output !== '') choose(operation, context, input, new Map([[axis, places]]), output);
  });
}

/** Constant indices along one axis; a single number also takes the axis away, where that is a row or column. */
export function importGatherOfImage(operation: Operation, context: ImportContext): void {
  const { attributes, label } = operation;
  const input = context.activation(operation, 0);
  const indices = context.constant(operation, 1);
  const stated = attributes.integer('axis', 0);
  const axis = stated < 0 ? stated + input.dims.length : stated;
  const extent = input.dims[axis] ?? 0;
  const places = Array.from(indices.values, (index) => (index < 0 ? index + extent : index));
  const dropped = indices.dims.length === 0;
  const rest = input.dims.filter((_, i) => i !== axis);
  const fits = places.every((place) => Number.isInteger(place) && place >= 0 && place < extent);
  const keepsForm = !dropped || (axis >= 2 && rest.slice(2).every((each) => each === 1));
  if (!fits || indices.dims.length > 1 || !keepsForm) {
    throw new RefusedError('ONNX_SHAPE', 'Gather takes places of one axis only', {
      node: label,
      expected: `a list of places in 0…${extent - 1}`,
      received: `[${indices.dims.join(', ')}] on axis ${axis} of [${input.dims.join(', ')}]`,
    });
  }
  const chosen = choose(operation, context, input, new Map([[axis, places]]));
  if (dropped) context.alias(operation, { ...chosen, dims: rest });
}

/** Whole numbers from an input or an attribute; undefined where the node has neither. */
function listed(
  operation: Operation,
  context: ImportContext,
  index: number,
  name: string,
): readonly number[] | undefined {
  if ((operation.node.input[index] ?? '') !== '') {
    return Array.from(context.constant(operation, index).values);
  }
  return operation.attributes.integers(name);
}
