/** Sliding windows: kernel, stride and padding of Conv and the pools, in all of ONNX's spellings. */
import { RefusedError } from '../../../errors.ts';
import type { Window } from '../../float/graph.ts';
import type { Operation } from '../context.ts';

/** Largest extent of a kernel, stride or border; a guard against damaged files. */
const LIMIT = 4096;

export interface PlacedWindow extends Window {
  readonly outputHeight: number;
  readonly outputWidth: number;
  /** True where ceil mode makes the last window reach beyond the padded image. */
  readonly overhangs: boolean;
}

interface Axis {
  readonly before: number;
  readonly after: number;
  readonly count: number;
  readonly overhang: number;
}

/** `dilates`: the kernel is given as wide as it reaches. @throws RefusedError `ONNX_ATTRIBUTE`, `ONNX_SHAPE` */
export function placeWindow(
  operation: Operation,
  [height, width]: readonly [number, number],
  kernel: readonly number[],
  ceilMode: boolean,
  dilates = false,
): PlacedWindow {
  const { attributes, label } = operation;
  const stride = attributes.integers('strides') ?? [1, 1];
  const pads = attributes.integers('pads') ?? [0, 0, 0, 0];
  const dilations = attributes.integers('dilations') ?? [1, 1];
  requirePair(label, 'kernel_shape', kernel, 1);
  requirePair(label, 'strides', stride, 1);
  if (!dilates && dilations.some((value, axis) => value !== 1 && kernel[axis] !== 1)) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'Dilated pools have no integer form', {
      node: label,
      field: 'dilations',
      expected: '1',
      received: dilations.join(', '),
      remedy: 'use a larger window or a stride instead of dilation, and retrain',
    });
  }
  if (pads.length !== 4 || pads.some((value) => value < 0 || value > LIMIT)) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'The padding is not four small numbers', {
      node: label,
      field: 'pads',
      expected: `four values in 0…${LIMIT}`,
      received: pads.join(', '),
    });
  }
  const mode = attributes.text('auto_pad', 'NOTSET');
  const rows = placeAxis(label, mode, height, kernel[0], stride[0], pads[0], pads[2], ceilMode);
  const columns = placeAxis(label, mode, width, kernel[1], stride[1], pads[1], pads[3], ceilMode);
  return {
    kernel: [kernel[0], kernel[1]],
    stride: [stride[0], stride[1]],
    padding: {
      top: rows.before,
      left: columns.before,
      bottom: rows.after + rows.overhang,
      right: columns.after + columns.overhang,
    },
    outputHeight: rows.count,
    outputWidth: columns.count,
    overhangs: rows.overhang + columns.overhang > 0,
  };
}

function placeAxis(
  label: string,
  mode: string,
  extent: number,
  kernel: number,
  stride: number,
  padBefore: number,
  padAfter: number,
  ceilMode: boolean,
): Axis {
  const same = mode === 'SAME_UPPER' || mode === 'SAME_LOWER';
  if (!same && mode !== 'NOTSET' && mode !== 'VALID' && mode !== '') {
    throw new RefusedError('ONNX_ATTRIBUTE', 'This kind of automatic padding does not exist', {
      node: label,
      field: 'auto_pad',
      expected: 'NOTSET, VALID, SAME_UPPER or SAME_LOWER',
      received: mode,
    });
  }
  if (same) {
    const count = Math.ceil(extent / stride);
    const total = Math.max((count - 1) * stride + kernel - extent, 0);
    const small = Math.floor(total / 2);
    const before = mode === 'SAME_UPPER' ? small : total - small;
    return { before, after: total - before, count, overhang: 0 };
  }
  const [before, after] = mode === 'VALID' ? [0, 0] : [padBefore, padAfter];
  const slack = extent + before + after - kernel;
  let count = (ceilMode ? Math.ceil(slack / stride) : Math.floor(slack / stride)) + 1;
  // A window must begin in the image or in its leading border.
  if (ceilMode && (count - 1) * stride >= extent + before) count -= 1;
  if (slack < 0 || count < 1) {
    throw new RefusedError('ONNX_SHAPE', 'A window is larger than the image under it', {
      node: label,
      expected: `a kernel of at most ${extent + before + after}`,
      received: `${kernel}`,
    });
  }
  return { before, after, count, overhang: Math.max(0, (count - 1) * stride - slack) };
}

function requirePair(label: string, field: string, values: readonly number[], minimum: number): void {
  const fits = values.length === 2 && values.every((v) => Number.isInteger(v) && v >= minimum && v <= LIMIT);
  if (!fits) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'A window needs two extents', {
      node: label,
      field,
      expected: `two values in ${minimum}…${LIMIT}`,
      received: values.length === 0 ? 'nothing' : values.join(', '),
    });
  }
}
