/**
 * What synapses deliver to neurons over a window, in the units of the graph's accumulators. Input by input, each value that
 * differs from rest adds its weights to all that it reaches; the interpreter goes output by output.
 */
import type { ConvolutionNode, Shape } from '../graph.ts';

/** A layer of weighted synapses; a dense layer is one of a single pixel. */
export type Layer = Pick<
  ConvolutionNode,
  'kernel' | 'stride' | 'padding' | 'groups' | 'paddingValues' | 'weights' | 'bias'
>;

/** Fully connected synapses from `inputs` values. */
export function denseLayer(weights: Int8Array, bias: Int32Array, inputs: number): Layer {
  return {
    kernel: [1, 1],
    stride: [1, 1],
    padding: { top: 0, left: 0, bottom: 0, right: 0 },
    groups: 1,
    paddingValues: new Uint8Array(inputs),
    weights,
    bias,
  };
}

/** int32 of the output's shape. `rest`: the value at which an input delivers nothing. */
export function chargeOf(
  layer: Layer,
  input: Uint8Array,
  inputShape: Shape,
  rest: number,
  [height, width, outputs]: Shape,
): Int32Array {
  const [inputHeight, inputWidth, inputs] = inputShape;
  const { kernel, stride, padding, paddingValues } = layer;
  const weights = byInput(layer, inputs, outputs);
  const groupInputs = inputs / layer.groups;
  const groupOutputs = outputs / layer.groups;
  const charge = new Int32Array(height * width * outputs);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const first = (y * width + x) * outputs;
      charge.set(layer.bias, first);
      for (let tap = 0; tap < kernel[0] * kernel[1]; tap++) {
        const row = y * stride[0] + Math.floor(tap / kernel[1]) - padding.top;
        const column = x * stride[1] + (tap % kernel[1]) - padding.left;
        const isInside = row >= 0 && row < inputHeight && column >= 0 && column < inputWidth;
        const values = isInside ? input : paddingValues;
        const pixel = isInside ? (row * inputWidth + column) * inputs : 0;
        for (let i = 0; i < inputs; i++) {
          const value = values[pixel + i] - rest;
          if (value === 0) continue;
          const target = first + Math.floor(i / groupInputs) * groupOutputs;
          const weight = (tap * inputs + i) * groupOutputs;
          for (let o = 0; o < groupOutputs; o++) charge[target + o] += value * weights[weight + o];
        }
      }
    }
  }
  return charge;
}

/** Weights as [tap][input][output within the input's group]. */
function byInput({ weights, kernel, groups }: Layer, inputs: number, outputs: number): Int8Array {
  const taps = kernel[0] * kernel[1];
  const groupInputs = inputs / groups;
  const groupOutputs = outputs / groups;
  const turned = new Int8Array(weights.length);
  for (let output = 0; output < outputs; output++) {
    const firstInput = Math.floor(output / groupOutputs) * groupInputs;
    for (let tap = 0; tap < taps; tap++) {
      for (let i = 0; i < groupInputs; i++) {
        turned[(tap * inputs + firstInput + i) * groupOutputs + (output % groupOutputs)] =
          weights[(output * taps + tap) * groupInputs + i];
      }
    }
  }
  return turned;
}
