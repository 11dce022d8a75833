import { RefusedError } from '../../../errors.ts';
import { isPadded, NO_PADDING } from '../../float/graph.ts';
import type { Activation, ImportContext, Operation } from '../context.ts';
import { type PlacedWindow, placeWindow } from './window.ts';

/** Most pixels of a window that divides by the pixels it holds: the integer graph keeps one divisor for each number. */
const LARGEST_COUNTING_WINDOW = 2 ** 16;

export function importAveragePool(operation: Operation, context: ImportContext): void {
  const input = context.image(operation, 0);
  const window = poolWindow(operation, input);
  if (isIdentity(window)) {
    context.alias(operation, input);
    return;
  }
  const countPadding = operation.attributes.integer('count_include_pad', 0) === 1;
  if (isPadded(window.padding)) requireCountable(operation, window.kernel);
  const outputs = [1, input.dims[1], window.outputHeight, window.outputWidth];
  const { kernel, stride, padding } = window;
  if (!countPadding || !window.overhangs) {
    const draft = {
      op: 'averagePool',
      input: input.name,
      kernel,
      stride,
      padding,
      countPadding,
      clamp: null,
    } as const;
    context.emit(operation, draft, outputs);
    return;
  }
  // The border counts, what ceil mode adds beyond it does not: make the border real, then count real pixels.
  const stated = operation.attributes.integers('pads') ?? [0, 0, 0, 0];
  const border = { top: stated[0], left: stated[1], bottom: stated[2], right: stated[3] };
  const [, channels, height, width] = input.dims;
  const shape = [height + border.top + border.bottom, width + border.left + border.right, channels] as const;
  const padded = context.append(operation, { op: 'pad', input: input.name, padding: border }, shape);
  context.emit(
    operation,
    {
      op: 'averagePool',
      input: padded,
      kernel,
      stride,
      padding: { ...NO_PADDING, bottom: padding.bottom - border.bottom, right: padding.right - border.right },
      countPadding: false,
      clamp: null,
    },
    outputs,
  );
}

function requireCountable({ label }: Operation, kernel: PlacedWindow['kernel']): void {
  if (kernel[0] * kernel[1] <= LARGEST_COUNTING_WINDOW) return;
  throw new RefusedError('ONNX_ATTRIBUTE', 'The window of a padded average is too large', {
    node: label,
    field: 'kernel_shape',
    expected: `at most ${LARGEST_COUNTING_WINDOW} pixels`,
    received: kernel.join('×'),
    remedy: 'average over the whole map without padding (GlobalAveragePool)',
  });
}

export function importMaxPool(operation: Operation, context: ImportContext): void {
  const input = context.image(operation, 0);
  if (operation.node.output.length > 1 && operation.node.output[1] !== '') {
    throw new RefusedError(
      'ONNX_ATTRIBUTE',
      'Max pooling with indices is for unpooling, which has no integer form here',
      {
        node: operation.label,
        remedy: 'export without the second output',
      },
    );
  }
  const window = poolWindow(operation, input);
  if (isIdentity(window)) {
    context.alias(operation, input);
    return;
  }
  const { kernel, stride, padding } = window;
  context.emit(operation, { op: 'maxPool', input: input.name, kernel, stride, padding }, [
    1,
    input.dims[1],
    window.outputHeight,
    window.outputWidth,
  ]);
}

export function importGlobalAveragePool(operation: Operation, context: ImportContext): void {
  const input = context.image(operation, 0);
  const [, channels, height, width] = input.dims;
  emitMean(operation, context, input, [height, width], [1, channels, 1, 1]);
}

export function importGlobalMaxPool(operation: Operation, context: ImportContext): void {
  const input = context.image(operation, 0);
  const [, channels, height, width] = input.dims;
  if (height * width === 1) {
    context.alias(operation, input);
    return;
  }
  context.emit(
    operation,
    { op: 'maxPool', input: input.name, kernel: [height, width], stride: [1, 1], padding: NO_PADDING },
    [1, channels, 1, 1],
  );
}

function emitMean(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  kernel: readonly [number, number],
  outputs: readonly number[],
): void {
  if (kernel[0] * kernel[1] === 1) {
    context.alias(operation, { ...input, dims: outputs });
    return;
  }
  context.emit(
    operation,
    {
      op: 'averagePool',
      input: input.name,
      kernel,
      stride: [1, 1],
      padding: NO_PADDING,
      countPadding: false,
      clamp: null,
    },
    outputs,
  );
}

function poolWindow(operation: Operation, input: Activation): PlacedWindow {
  const { attributes } = operation;
  const [, , height, width] = input.dims;
  const kernel = attributes.integers('kernel_shape') ?? [];
  const window = placeWindow(operation, [height, width], kernel, attributes.integer('ceil_mode', 0) === 1);
  const { padding, stride, outputHeight, outputWidth } = window;
  const lastRow = (outputHeight - 1) * stride[0] - padding.top;
  const lastColumn = (outputWidth - 1) * stride[1] - padding.left;
  const seesImage =
    padding.top < kernel[0] && padding.left < kernel[1] && lastRow < height && lastColumn < width;
  if (!seesImage) {
    const { top, left, bottom, right } = padding;
    throw new RefusedError('ONNX_ATTRIBUTE', 'A window of a pool lies in the padding alone', {
      node: operation.label,
      field: 'pads',
      expected: `less than the kernel of ${kernel.join('×')}`,
      received: [top, left, bottom, right].join(', '),
    });
  }
  return window;
}

function isIdentity({ kernel, stride, padding }: PlacedWindow): boolean {
  const border = padding.top + padding.left + padding.bottom + padding.right;
  return kernel[0] * kernel[1] * stride[0] * stride[1] === 1 && border === 0;
}
