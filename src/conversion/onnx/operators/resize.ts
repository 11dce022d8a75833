/** Resize and Upsample: the nearest pixel by any factor, linear interpolation by whole ones. */
import { RefusedError } from '../../../errors.ts';
import { NO_PADDING } from '../../float/graph.ts';
import { type Activation, type ImportContext, type Operation, shapeOf } from '../context.ts';

/** Largest extent of what comes out; a guard against damaged files. */
const LIMIT = 4096;

interface Axis {
  readonly from: number;
  readonly to: number;
  /** Output pixels per input pixel. */
  readonly factor: number;
}

export function importResize(operation: Operation, context: ImportContext): void {
  const input = context.image(operation, 0);
  const axes = statedAxes(operation, context, input.dims);
  const mode = operation.attributes.text('mode', 'nearest');
  if (axes.every(({ from, to }) => from === to)) context.alias(operation, input);
  else if (mode === 'nearest') nearest(operation, context, input, axes);
  else if (mode === 'linear') linear(operation, context, input, axes);
  else throw refusal(operation, `mode ${mode}`);
}

function statedAxes(operation: Operation, context: ImportContext, dims: readonly number[]): Axis[] {
  const { node, attributes } = operation;
  const values = (index: number) => {
    if ((node.input[index] ?? '') === '') return [];
    return Array.from(context.constant(operation, index).values);
  };
  const isOld = node.opType === 'Upsample' || context.opset < 11;
  const sizes = isOld ? [] : values(3);
  const scales = isOld ? (attributes.get('scales')?.floats ?? values(1)) : values(2);
  const stated = sizes.length > 0 ? sizes : scales;
  const axes = dims.map((from, i): Axis => {
    if (sizes.length > 0) return { from, to: sizes[i], factor: sizes[i] / from };
    return { from, to: Math.floor(from * (scales[i] ?? 0)), factor: scales[i] };
  });
  const fits =
    stated.length === 4 &&
    axes.every(({ to }) => Number.isInteger(to) && to >= 1 && to <= LIMIT) &&
    axes.slice(0, 2).every(({ from, to }) => from === to);
  if (!fits) throw refusal(operation, `${sizes.length > 0 ? 'sizes' : 'scales'} ${stated.join(', ')}`);
  return axes.slice(2);
}

function nearest(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  axes: readonly Axis[],
): void {
  const [rows, columns] = axes.map((axis) =>
    Int32Array.from({ length: axis.to }, (_, i) => nearestPlace(operation, context, axis, i)),
  );
  emitSelect(operation, context, input, rows, columns);
}

/** Which pixel is nearest, in the ways that ONNX knows. */
function nearestPlace(operation: Operation, context: ImportContext, axis: Axis, place: number): number {
  const { attributes, node } = operation;
  const isOld = node.opType === 'Upsample' || context.opset < 11;
  const transformation = attributes.text(
    'coordinate_transformation_mode',
    isOld ? 'asymmetric' : 'half_pixel',
  );
  const rounding = attributes.text('nearest_mode', isOld ? 'floor' : 'round_prefer_floor');
  const { from, to, factor } = axis;
  const halfPixel = (place + 0.5) / factor - 0.5;
  const positions: Readonly<Record<string, number>> = {
    half_pixel: halfPixel,
    pytorch_half_pixel: to > 1 ? halfPixel : 0,
    asymmetric: place / factor,
    align_corners: to > 1 ? (place * (from - 1)) / (to - 1) : 0,
  };
  const position = positions[transformation];
  const roundings: Readonly<Record<string, number>> = {
    round_prefer_floor: Math.ceil(position - 0.5),
    round_prefer_ceil: Math.floor(position + 0.5),
    floor: Math.floor(position),
    ceil: Math.ceil(position),
  };
  const rounded = roundings[rounding];
  if (position === undefined || rounded === undefined) {
    throw refusal(operation, `${transformation}, ${rounding}`);
  }
  return Math.min(Math.max(rounded, 0), from - 1);
}

/**
 * Linear interpolation by a whole factor is the nearest pixel, then a mean over as many pixels as the factor: the border
 * repeated outwards, and where the factor is even half of the pixel at either end.
 */
function linear(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  axes: readonly Axis[],
): void {
  const transformation = operation.attributes.text('coordinate_transformation_mode', 'half_pixel');
  const whole = axes.every(({ factor }) => Number.isInteger(factor));
  if (!whole || (transformation !== 'half_pixel' && transformation !== 'pytorch_half_pixel')) {
    throw refusal(
      operation,
      `linear, ${transformation}, by ${axes.map(({ factor }) => factor).join(' and ')}`,
    );
  }
  const [rows, columns] = axes.map(({ from, factor, to }) => {
    const border = Math.floor(factor / 2);
    return Int32Array.from({ length: to + 2 * border }, (_, i) =>
      Math.min(Math.max(Math.floor((i - border) / factor), 0), from - 1),
    );
  });
  const [down, across] = axes.map(({ factor }) => tapsOf(factor));
  const channels = input.dims[1];
  const kernel = down.flatMap((a) => across.map((b) => a * b));
  const repeated = select(operation, context, input, rows, columns);
  context.emit(
    operation,
    {
      op: 'convolution',
      input: repeated,
      kernel: [down.length, across.length],
      stride: [1, 1],
      padding: NO_PADDING,
      groups: channels,
      paddingValues: null,
      weights: Float64Array.from({ length: channels * kernel.length }, (_, i) => kernel[i % kernel.length]),
      bias: new Float64Array(channels),
      clamp: null,
    },
    [1, channels, axes[0].to, axes[1].to],
  );
}

function tapsOf(factor: number): number[] {
  if (factor % 2 === 1) return new Array<number>(factor).fill(1 / factor);
  return Array.from({ length: factor + 1 }, (_, i) => (i === 0 || i === factor ? 0.5 : 1) / factor);
}

/** Appends a choice of rows and columns. @returns its name in the float graph */
function select(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  rows: Int32Array,
  columns: Int32Array,
): string {
  const count = shapeOf(input.dims)[2];
  const channels = Int32Array.from({ length: count }, (_, i) => i);
  const draft = { op: 'select', input: input.name, rows, columns, channels } as const;
  return context.append(operation, draft, [rows.length, columns.length, count]);
}

/** Makes the operation's output a choice of rows and columns. */
export function emitSelect(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  rows: Int32Array,
  columns: Int32Array,
): void {
  const dims = [1, input.dims[1], rows.length, columns.length];
  context.alias(operation, { name: select(operation, context, input, rows, columns), dims, order: null });
}

function refusal({ node, label }: Operation, received: string): RefusedError {
  return new RefusedError('ONNX_ATTRIBUTE', `${node.opType} of a kind that has no integer form`, {
    node: label,
    expected: 'height and width, mode nearest, or mode linear with half_pixel and whole factors',
    received,
    remedy: 'resize before the network, or by the nearest pixel',
  });
}
