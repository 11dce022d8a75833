import type { ConvolutionNode, DenseNode, Shape } from '../graph.ts';
import { requantise } from '../requantise.ts';

/** One convolution, pixel by pixel, straight from its definition. `input`: uint8 of shape `inputShape`. */
export function convolution(
  node: ConvolutionNode,
  input: Uint8Array,
  inputShape: Shape,
  inputZeroPoint: number,
): Uint8Array {
  const [inputHeight, inputWidth, inputChannels] = inputShape;
  const [height, width, channels] = node.output.shape;
  const { zeroPoint } = node.output.quantisation;
  const { multiplier, shift } = node.requantisation;
  const { weights, paddingValues } = node;
  const [kernelHeight, kernelWidth] = node.kernel;
  const groupInputs = inputChannels / node.groups;
  const groupOutputs = channels / node.groups;
  const output = new Uint8Array(height * width * channels);

  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const firstInput = Math.floor(c / groupOutputs) * groupInputs;
        let accumulator = node.bias[c];
        let weight = c * kernelHeight * kernelWidth * groupInputs;
        for (let ky = 0; ky < kernelHeight; ky++) {
          for (let kx = 0; kx < kernelWidth; kx++) {
            const row = y * node.stride[0] + ky - node.padding.top;
            const column = x * node.stride[1] + kx - node.padding.left;
            const inside = row >= 0 && row < inputHeight && column >= 0 && column < inputWidth;
            const values = inside ? input : paddingValues;
            const pixel = inside ? (row * inputWidth + column) * inputChannels : 0;
            for (let i = 0; i < groupInputs; i++) {
              accumulator += (values[pixel + firstInput + i] - inputZeroPoint) * weights[weight++];
            }
          }
        }
        output[(y * width + x) * channels + c] = requantise(
          accumulator,
          multiplier[c],
          shift[c],
          zeroPoint,
          node.clamp.minimum,
          node.clamp.maximum,
        );
      }
    }
  }
  return output;
}

/** int32 sums of a fully connected layer: bias[o] + Σ_i (input[i] − zero point) × weights[o][i]. */
export function denseAccumulators(
  weights: Int8Array,
  bias: Int32Array,
  input: Uint8Array,
  inputZeroPoint: number,
): Int32Array {
  return bias.map((start, o) => {
    let accumulator = start;
    for (let i = 0; i < input.length; i++) {
      accumulator += (input[i] - inputZeroPoint) * weights[o * input.length + i];
    }
    return accumulator;
  });
}

export function dense(node: DenseNode, input: Uint8Array, inputZeroPoint: number): Uint8Array {
  const accumulators = denseAccumulators(node.weights, node.bias, input, inputZeroPoint);
  const { multiplier, shift } = node.requantisation;
  return Uint8Array.from(accumulators, (accumulator, o) =>
    requantise(
      accumulator,
      multiplier[o],
      shift[o],
      node.output.quantisation.zeroPoint,
      node.clamp.minimum,
      node.clamp.maximum,
    ),
  );
}
