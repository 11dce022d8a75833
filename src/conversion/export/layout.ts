/** From this project's layouts, channels last, to ONNX's, channels first. */
import { elementCount, type Shape } from '../../model/graph.ts';

/** For each element of [C, H, W], its index in [H, W, C]. */
export function channelsFirstOrder([height, width, channels]: Shape): Int32Array {
  const pixels = height * width;
  return Int32Array.from(
    { length: pixels * channels },
    (_, i) => (i % pixels) * channels + Math.floor(i / pixels),
  );
}

/**
 * Rows of channels-last values, each of `shape`, with every row channels first: weights of a convolution or a dense layer.
 */
export function rowsChannelsFirst<A extends Int8Array | Float64Array>(rows: A, shape: Shape): A {
  const order = channelsFirstOrder(shape);
  const length = elementCount(shape);
  const result = rows.slice();
  for (let start = 0; start < rows.length; start += length) {
    for (let i = 0; i < length; i++) result[start + i] = rows[start + order[i]];
  }
  return result as A;
}

/** Whether channels first and channels last list the values of this shape in one order. */
export function ordersAgree([height, width, channels]: Shape): boolean {
  return height * width === 1 || channels === 1;
}
