import {
  type ActivationTensor,
  type AddNode,
  type ConcatNode,
  elementCount,
  type MultiplyNode,
  type PadNode,
  type Shape,
} from '../graph.ts';
import { clip, requantise, roundingShiftRight } from '../requantise.ts';

export function add(node: AddNode, inputs: readonly Uint8Array[], zeroPoints: readonly number[]): Uint8Array {
  const output = new Uint8Array(elementCount(node.output.shape));
  for (let i = 0; i < output.length; i++) {
    let accumulator = 0;
    for (let k = 0; k < inputs.length; k++) {
      accumulator += (inputs[k][i] - zeroPoints[k]) * node.multipliers[k];
    }
    output[i] = clip(
      roundingShiftRight(accumulator, node.shift) + node.output.quantisation.zeroPoint,
      node.clamp.minimum,
      node.clamp.maximum,
    );
  }
  return output;
}

export function concat(
  node: ConcatNode,
  inputs: readonly Uint8Array[],
  shapes: readonly Shape[],
): Uint8Array {
  const [height, width, channels] = node.output.shape;
  const output = new Uint8Array(height * width * channels);
  for (let pixel = 0; pixel < height * width; pixel++) {
    let channel = 0;
    for (let k = 0; k < inputs.length; k++) {
      const count = shapes[k][2];
      for (let c = 0; c < count; c++) output[pixel * channels + channel++] = inputs[k][pixel * count + c];
    }
  }
  return output;
}

export function multiply(
  node: MultiplyNode,
  input: Uint8Array,
  gate: Uint8Array,
  inputTensor: ActivationTensor,
  gateTensor: ActivationTensor,
): Uint8Array {
  const channels = inputTensor.shape[2];
  const perChannel = gate.length !== input.length;
  return input.map((value, i) =>
    requantise(
      (value - inputTensor.quantisation.zeroPoint) *
        (gate[perChannel ? i % channels : i] - gateTensor.quantisation.zeroPoint),
      node.requantisation.multiplier[0],
      node.requantisation.shift[0],
      node.output.quantisation.zeroPoint,
      node.clamp.minimum,
      node.clamp.maximum,
    ),
  );
}

export function table(values: Uint8Array, input: Uint8Array): Uint8Array {
  return input.map((value) => values[value]);
}

export function pad(node: PadNode, input: Uint8Array, inputShape: Shape): Uint8Array {
  const [height, width, channels] = node.output.shape;
  const [inputHeight, inputWidth] = inputShape;
  const output = new Uint8Array(height * width * channels).fill(node.output.quantisation.zeroPoint);
  for (let y = 0; y < inputHeight; y++) {
    for (let x = 0; x < inputWidth; x++) {
      for (let c = 0; c < channels; c++) {
        output[((y + node.padding.top) * width + x + node.padding.left) * channels + c] =
          input[(y * inputWidth + x) * channels + c];
      }
    }
  }
  return output;
}
