import type { AveragePoolNode, MaxPoolNode, Shape } from '../graph.ts';
import { requantise } from '../requantise.ts';

/** The values of one window and channel that lie in the image. */
export function windowValues(
  node: AveragePoolNode | MaxPoolNode,
  input: Uint8Array,
  [inputHeight, inputWidth, channels]: Shape,
  y: number,
  x: number,
  channel: number,
): number[] {
  const values: number[] = [];
  for (let ky = 0; ky < node.kernel[0]; ky++) {
    for (let kx = 0; kx < node.kernel[1]; kx++) {
      const row = y * node.stride[0] + ky - node.padding.top;
      const column = x * node.stride[1] + kx - node.padding.left;
      if (row >= 0 && row < inputHeight && column >= 0 && column < inputWidth) {
        values.push(input[(row * inputWidth + column) * channels + channel]);
      }
    }
  }
  return values;
}

function pool(
  node: AveragePoolNode | MaxPoolNode,
  input: Uint8Array,
  inputShape: Shape,
  reduce: (values: number[]) => number,
): Uint8Array {
  const [height, width, channels] = node.output.shape;
  const output = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        output[(y * width + x) * channels + c] = reduce(windowValues(node, input, inputShape, y, x, c));
      }
    }
  }
  return output;
}

export function averagePool(
  node: AveragePoolNode,
  input: Uint8Array,
  inputShape: Shape,
  inputZeroPoint: number,
): Uint8Array {
  const { multiplier, shift } = node.requantisation;
  return pool(node, input, inputShape, (values) => {
    const entry = multiplier.length === 1 ? 0 : values.length - 1;
    return requantise(
      values.reduce((sum, value) => sum + value - inputZeroPoint, 0),
      multiplier[entry],
      shift[entry],
      node.output.quantisation.zeroPoint,
      node.clamp.minimum,
      node.clamp.maximum,
    );
  });
}

export function maxPool(node: MaxPoolNode, input: Uint8Array, inputShape: Shape): Uint8Array {
  return pool(node, input, inputShape, (values) => Math.max(...values));
}
