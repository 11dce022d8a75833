/** Constants spread over the channels of an activation, and vectors in another order than the float graph's. */
import { RefusedError } from '../../errors.ts';
import { type Activation, type Operation, shapeOf } from './context.ts';
import type { Constant } from './tensor.ts';

/** One value per channel, in the float graph's order. @throws RefusedError `ONNX_BROADCAST` */
export function channelVector(
  operation: Operation,
  constant: Constant,
  { dims, order }: Activation,
): Float64Array {
  const rank = dims.length;
  const offset = rank - constant.dims.length;
  const channelAxis = 1;
  const fits = constant.dims.every((extent, axis) => {
    if (extent === 1) return true;
    return axis + offset === channelAxis && extent === dims[channelAxis];
  });
  if (!fits) {
    throw new RefusedError(
      'ONNX_BROADCAST',
      `${operation.node.opType} with a constant that is not per channel`,
      {
        node: operation.label,
        expected: `a scalar or [1, ${dims[1]}${', 1'.repeat(Math.max(0, rank - 2))}]`,
        received: `[${constant.dims.join(', ')}]`,
        remedy: 'use one value per channel, or one for all',
      },
    );
  }
  const channels = shapeOf(dims)[2];
  const { values } = constant;
  return permuted(values.length === 1 ? new Float64Array(channels).fill(values[0]) : values, order);
}

/** A vector given in ONNX's order, put into the float graph's. */
export function permuted(values: Float64Array, order: Int32Array | null): Float64Array {
  if (order === null) return values;
  const result = new Float64Array(values.length);
  order.forEach((to, from) => {
    result[to] = values[from];
  });
  return result;
}

/** Where each element of a flattened [C, H, W] lies in [H, W, C]. Null where nothing moves. */
export function flattenOrder(dims: readonly number[]): Int32Array | null {
  const [, channels, height, width] = dims;
  if (dims.length !== 4 || height * width === 1 || channels === 1) return null;
  return Int32Array.from({ length: channels * height * width }, (_, i) => {
    const pixel = i % (height * width);
    return pixel * channels + Math.floor(i / (height * width));
  });
}

export function sameOrder(a: Int32Array | null, b: Int32Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

export function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, i) => extent === b[i]);
}
