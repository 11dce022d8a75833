/** Operators that move no value: Flatten, Reshape, Squeeze, Unsqueeze, Identity, Dropout; and Pad. */
import { RefusedError } from '../../../errors.ts';
import { type Activation, type ImportContext, type Operation, shapeOf } from '../context.ts';
import { flattenOrder, sameDims } from '../vectors.ts';
import { emitSelect } from './resize.ts';

export function importIdentity(operation: Operation, context: ImportContext): void {
  const constant = context.findConstant(operation.node.input[0]);
  if (constant !== undefined) context.defineConstant(operation.node.output[0], constant);
  else context.alias(operation, context.activation(operation, 0));
}

export function importDropout(operation: Operation, context: ImportContext): void {
  const training = context.findConstant(operation.node.input[2]);
  if (training !== undefined && training.values[0] !== 0) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'Dropout in training mode', {
      node: operation.label,
      remedy: 'export the model in inference mode (model.eval())',
    });
  }
  context.alias(operation, context.activation(operation, 0));
}

export function importFlatten(operation: Operation, context: ImportContext): void {
  const input = context.activation(operation, 0);
  const axis = operation.attributes.integer('axis', 1);
  if ((axis < 0 ? axis + input.dims.length : axis) !== 1) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'Flatten keeps the batch and joins everything else', {
      node: operation.label,
      field: 'axis',
      expected: '1',
      received: `${axis}`,
    });
  }
  flatten(operation, context, input, 2);
}

/** What a Reshape asks for: 0 copies an extent, −1 is what is left. */
export function reshapedDims(
  operation: Operation,
  context: ImportContext,
  from: readonly number[],
): number[] {
  const { values } = context.constant(operation, 1);
  const copiesZero = operation.attributes.integer('allowzero', 0) === 0;
  const count = from.reduce((product, extent) => product * extent, 1);
  const wanted = Array.from(values, (value, i) => (value === 0 && copiesZero ? (from[i] ?? 0) : value));
  const known = wanted.filter((value) => value !== -1).reduce((product, value) => product * value, 1);
  return wanted.map((value) => (value === -1 ? count / known : value));
}

/** Reshape to [N, features], or between [N, C] and [N, C, 1, 1]. */
export function importReshape(operation: Operation, context: ImportContext): void {
  const input = context.activation(operation, 0);
  const { values } = context.constant(operation, 1);
  const count = input.dims.reduce((product, extent) => product * extent, 1);
  const dims = reshapedDims(operation, context, input.dims);
  if (sameDims(dims, input.dims)) {
    context.alias(operation, input);
    return;
  }
  const flat = dims[0] === 1 && dims[1] === count && dims.slice(2).every((extent) => extent === 1);
  if (!flat || dims.length < 2 || dims.length > 4) {
    throw new RefusedError('ONNX_SHAPE', 'Reshape goes to a vector per image only', {
      node: operation.label,
      expected: `[N, ${count}] or [N, ${count}, 1, 1]`,
      received: `[${Array.from(values).join(', ')}]`,
      remedy: 'export the network without channel shuffles or patches',
    });
  }
  flatten(operation, context, input, dims.length);
}

/** [1, C, H, W] → [1, C·H·W] with `rank` axes, or a mere change of rank where height and width are 1. */
function flatten(operation: Operation, context: ImportContext, input: Activation, rank: number): void {
  const count = input.dims.reduce((product, extent) => product * extent, 1);
  const dims = [1, count, ...new Array<number>(rank - 2).fill(1)];
  const [height, width] = shapeOf(input.dims);
  if (height * width === 1) context.alias(operation, { ...input, dims });
  else context.emit(operation, { op: 'flatten', input: input.name }, dims, flattenOrder(input.dims));
}

export function importSqueeze(operation: Operation, context: ImportContext): void {
  const input = context.activation(operation, 0);
  const rank = input.dims.length;
  const axes =
    listedAxes(operation, context, rank) ?? input.dims.flatMap((e, i) => (e === 1 && i > 0 ? [i] : []));
  const dims = input.dims.filter((_, axis) => !axes.includes(axis));
  if (!axes.every((axis) => axis >= 2 && input.dims[axis] === 1) || (dims.length === 3 && dims[2] !== 1)) {
    throw new RefusedError('ONNX_SHAPE', 'Squeeze removes height and width of a 1×1 map only', {
      node: operation.label,
      expected: 'axes 2, 3 of extent 1',
      received: `axes ${axes.join(', ')} of [${input.dims.join(', ')}]`,
    });
  }
  context.alias(operation, { ...input, dims });
}

export function importUnsqueeze(operation: Operation, context: ImportContext): void {
  const constant = context.findConstant(operation.node.input[0]);
  if (constant !== undefined) {
    const axes = listedAxes(operation, context, Number.NaN) ?? [];
    const dims = [...constant.dims];
    const rank = dims.length + axes.length;
    for (const axis of axes.map((a) => (a < 0 ? a + rank : a)).sort((a, b) => a - b)) dims.splice(axis, 0, 1);
    context.defineConstant(operation.node.output[0], { ...constant, dims });
    return;
  }
  const input = context.activation(operation, 0);
  const axes = listedAxes(operation, context, Number.NaN) ?? [];
  const rank = input.dims.length + axes.length;
  const places = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  if (
    input.dims.length > 3 ||
    rank > 4 ||
    !places.every((axis) => axis >= 2) ||
    shapeOf(input.dims)[0] !== 1
  ) {
    throw new RefusedError('ONNX_SHAPE', 'Unsqueeze makes a 1×1 map of a vector only', {
      node: operation.label,
      expected: 'axes 2, 3 of [N, C]',
      received: `axes ${axes.join(', ')} of [${input.dims.join(', ')}]`,
    });
  }
  context.alias(operation, { ...input, dims: [...input.dims, ...new Array<number>(axes.length).fill(1)] });
}

function listedAxes(operation: Operation, context: ImportContext, rank: number): number[] | undefined {
  const fromInput =
    (operation.node.input[1] ?? '') === '' ? undefined : Array.from(context.constant(operation, 1).values);
  const axes = operation.attributes.integers('axes') ?? fromInput;
  return axes?.map((axis) => (axis < 0 && !Number.isNaN(rank) ? axis + rank : axis));
}

/** Pad with constant zeros around height and width; pads as input (opset 11) or attribute. */
export function importPad(operation: Operation, context: ImportContext): void {
  const { attributes, label, node } = operation;
  const input = context.image(operation, 0);
  const mode = attributes.text('mode', 'constant');
  const value = context.findConstant(node.input[2])?.values[0] ?? attributes.float('value', 0);
  const pads = statedPads(operation, context);
  const [top, left, bottom, right] = [pads[2], pads[3], pads[6], pads[7]];
  const border = [top, left, bottom, right];
  if (pads.every((extent) => extent === 0)) {
    context.alias(operation, input);
    return;
  }
  const isInside = [pads[0], pads[1], pads[4], pads[5]].every((extent) => extent === 0);
  if (mode !== 'constant' && isInside && border.every((extent) => extent <= 4096)) {
    const [, , height, width] = input.dims;
    const rows = borderedPlaces(operation, height, top, bottom, mode);
    emitSelect(operation, context, input, rows, borderedPlaces(operation, width, left, right, mode));
    return;
  }
  if (mode !== 'constant' || value !== 0 || border.some((extent) => extent < 0 || extent > 4096)) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'A border of this kind has no integer form', {
      node: label,
      expected: 'mode constant with value 0, reflect, edge or wrap, extents in 0…4096',
      received: `mode ${mode}, value ${value}, extents ${border.join(', ')}`,
      remedy: 'pad with zeros',
    });
  }
  if ([pads[0], pads[1], pads[4], pads[5]].some((extent) => extent !== 0)) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'Padding of batch or channels', {
      node: label,
      expected: 'borders around height and width',
      received: pads.join(', '),
    });
  }
  const [, channels, height, width] = input.dims;
  context.emit(operation, { op: 'pad', input: input.name, padding: { top, left, bottom, right } }, [
    1,
    channels,
    height + top + bottom,
    width + left + right,
  ]);
}

/** Which row or column stands at each place of a map with a border. Negative extents cut off. */
function borderedPlaces(
  { label }: Operation,
  extent: number,
  before: number,
  after: number,
  mode: string,
): Int32Array {
  const period = Math.max(2 * (extent - 1), 1);
  const modulo = (value: number, by: number) => ((value % by) + by) % by;
  const mirrored = (place: number) => {
    const within = modulo(place, period);
    return within < extent ? within : period - within;
  };
  const kinds: Readonly<Record<string, (place: number) => number>> = {
    edge: (place) => Math.min(Math.max(place, 0), extent - 1),
    reflect: mirrored,
    wrap: (place) => modulo(place, extent),
  };
  const placeOf = kinds[mode];
  const length = extent + before + after;
  if (placeOf === undefined || length < 1) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'A border of this kind has no integer form', {
      node: label,
      expected: 'mode constant, reflect, edge or wrap, and pixels left over',
      received: `mode ${mode}, ${before} before and ${after} after ${extent}`,
    });
  }
  return Int32Array.from({ length }, (_, i) => placeOf(i - before));
}

/** Eight numbers: before and after for N, C, H, W. */
function statedPads(operation: Operation, context: ImportContext): number[] {
  const { attributes, node, label } = operation;
  const listed = attributes.integers('pads') ?? Array.from(context.constant(operation, 1).values);
  const axes = context.findConstant(node.input[3])?.values;
  const places = axes === undefined ? [0, 1, 2, 3] : Array.from(axes, (axis) => (axis < 0 ? axis + 4 : axis));
  if (listed.length !== 2 * places.length || !places.every((axis) => axis >= 0 && axis < 4)) {
    throw new RefusedError('ONNX_SHAPE', 'The extents of a Pad do not fit its input', {
      node: label,
      field: 'pads',
      expected: `${2 * places.length} values`,
      received: `${listed.length}`,
    });
  }
  const pads = new Array<number>(8).fill(0);
  places.forEach((axis, i) => {
    pads[axis] = listed[i];
    pads[axis + 4] = listed[i + places.length];
  });
  return pads;
}
