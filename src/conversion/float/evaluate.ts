/** The float graph run in double sums and float32 tensors: the measure for every rewrite, and what calibration observes. */
import { elementCount, INPUT_NAME, type Padding, type Shape } from '../../model/graph.ts';
import { evaluateFormula } from '../formula/formula.ts';
import { convolve } from './convolve.ts';
import {
  type FloatAveragePool,
  type FloatClamp,
  type FloatGraph,
  type FloatMaxPool,
  type FloatNode,
  type FloatSelect,
  floatInputsOf,
} from './graph.ts';

/** Sees each tensor as soon as it is made, the image included; it may not change it. */
export type Observer = (name: string, values: Float32Array) => void;

/** Runs one image, height × width × channels. @returns the logits in ONNX's order */
export function evaluate(graph: FloatGraph, image: Float32Array, observe: Observer = () => {}): Float64Array {
  const lastUse = new Map<string, number>();
  graph.nodes.forEach((node, index) => {
    for (const input of floatInputsOf(node)) lastUse.set(input, index);
  });
  lastUse.set(graph.output, graph.nodes.length);
  const shapes = new Map<string, Shape>([[INPUT_NAME, graph.inputShape]]);
  const tensors = new Map([[INPUT_NAME, image]]);
  observe(INPUT_NAME, image);
  graph.nodes.forEach((node, index) => {
    const inputs = floatInputsOf(node);
    const values = evaluateNode(
      node,
      inputs.map((input) => lookUp(tensors, input)),
      inputs.map((input) => lookUp(shapes, input)),
    );
    tensors.set(node.name, values);
    shapes.set(node.name, node.shape);
    observe(node.name, values);
    for (const input of inputs) if (lastUse.get(input) === index) tensors.delete(input);
  });
  const output = lookUp(tensors, graph.output);
  return Float64Array.from(graph.outputOrder, (index) => output[index]);
}

function lookUp<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new RangeError(`No tensor is named ${name}`);
  return value;
}

export function evaluateNode(
  node: FloatNode,
  inputs: readonly Float32Array[],
  shapes: readonly Shape[],
): Float32Array {
  const [input] = inputs;
  switch (node.op) {
    case 'convolution':
      return clamped(
        convolve(
          { ...node, inputShape: shapes[0], outputShape: node.shape, outside: node.paddingValues },
          input,
        ),
        node.clamp,
      );
    case 'dense':
      return clamped(multiplyMatrix(node.weights, node.bias, input), node.clamp);
    case 'affine':
      return input.map(
        (value, i) => value * node.scale[i % node.scale.length] + node.offset[i % node.scale.length],
      );
    case 'clamp':
      return clamped(input, node.clamp);
    case 'sigmoid':
      return input.map((value) => 1 / (1 + Math.exp(-value)));
    case 'function':
      return input.map((value) => evaluateFormula(node.formula, value));
    case 'add':
      return clamped(summed(inputs), node.clamp);
    case 'concat':
      return concatenated(inputs, shapes, node.shape);
    case 'multiply':
      return clamped(gated(input, inputs[1], node.shape[2]), node.clamp);
    case 'averagePool':
      return clamped(pooled(node, input, shapes[0]), node.clamp);
    case 'maxPool':
      return Float32Array.from(pooled(node, input, shapes[0]));
    case 'flatten':
      return input;
    case 'pad':
      return padded(input, shapes[0], node.shape, node.padding);
    case 'select':
      return selected(node, input, shapes[0]);
    case 'extremum': {
      const better = node.kind === 'maximum' ? Math.max : Math.min;
      return input.map((_, i) => better(...inputs.map((values) => values[i])));
    }
    case 'channelMaximum':
      return Float32Array.from({ length: elementCount(node.shape) }, (_, pixel) =>
        input
          .subarray(pixel * shapes[0][2], (pixel + 1) * shapes[0][2])
          .reduce((most, value) => Math.max(most, value)),
      );
  }
}

function clamped(values: Float64Array | Float32Array, clamp: FloatClamp | null): Float32Array {
  if (clamp === null) return Float32Array.from(values);
  const { minimum, maximum } = clamp;
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = Math.min(Math.max(values[i], minimum), maximum);
  return result;
}

function multiplyMatrix(weights: Float64Array, bias: Float64Array, input: Float32Array): Float64Array {
  return bias.map((start, o) => {
    let sum = start;
    for (let i = 0; i < input.length; i++) sum += input[i] * weights[o * input.length + i];
    return sum;
  });
}

function summed(inputs: readonly Float32Array[]): Float32Array {
  const [first, ...others] = inputs;
  const result = first.slice();
  for (const other of others) for (let i = 0; i < result.length; i++) result[i] += other[i];
  return result;
}

function gated(input: Float32Array, gate: Float32Array, channels: number): Float32Array {
  const result = new Float32Array(input.length);
  const perChannel = gate.length !== input.length;
  for (let i = 0; i < result.length; i++) result[i] = input[i] * gate[perChannel ? i % channels : i];
  return result;
}

function concatenated(inputs: readonly Float32Array[], shapes: readonly Shape[], shape: Shape): Float32Array {
  const result = new Float32Array(elementCount(shape));
  let start = 0;
  inputs.forEach((input, k) => {
    const count = shapes[k][2];
    for (let pixel = 0; pixel < shape[0] * shape[1]; pixel++) {
      result.set(input.subarray(pixel * count, (pixel + 1) * count), pixel * shape[2] + start);
    }
    start += count;
  });
  return result;
}

function selected(node: FloatSelect, input: Float32Array, [, width, channels]: Shape): Float32Array {
  const result = new Float32Array(elementCount(node.shape));
  let at = 0;
  for (const row of node.rows) {
    for (const column of node.columns) {
      const pixel = (row * width + column) * channels;
      for (const channel of node.channels) result[at++] = input[pixel + channel];
    }
  }
  return result;
}

function padded(input: Float32Array, from: Shape, to: Shape, { top, left }: Padding): Float32Array {
  const result = new Float32Array(elementCount(to));
  const row = from[1] * from[2];
  for (let y = 0; y < from[0]; y++) {
    result.set(input.subarray(y * row, (y + 1) * row), ((y + top) * to[1] + left) * to[2]);
  }
  return result;
}

function pooled(node: FloatAveragePool | FloatMaxPool, input: Float32Array, from: Shape): Float64Array {
  const [height, width, channels] = node.shape;
  const result = new Float64Array(elementCount(node.shape));
  const isMaximum = node.op === 'maxPool';
  const pixel = new Float64Array(channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const top = y * node.stride[0] - node.padding.top;
      const left = x * node.stride[1] - node.padding.left;
      const rows = [Math.max(top, 0), Math.min(top + node.kernel[0], from[0])];
      const columns = [Math.max(left, 0), Math.min(left + node.kernel[1], from[1])];
      pixel.fill(isMaximum ? Number.NEGATIVE_INFINITY : 0);
      for (let row = rows[0]; row < rows[1]; row++) {
        for (let column = columns[0]; column < columns[1]; column++) {
          const at = (row * from[1] + column) * channels;
          if (isMaximum) for (let c = 0; c < channels; c++) pixel[c] = Math.max(pixel[c], input[at + c]);
          else for (let c = 0; c < channels; c++) pixel[c] += input[at + c];
        }
      }
      const divisor = divisorOf(node, (rows[1] - rows[0]) * (columns[1] - columns[0]));
      for (let c = 0; c < channels; c++) result[(y * width + x) * channels + c] = pixel[c] / divisor;
    }
  }
  return result;
}

function divisorOf(node: FloatAveragePool | FloatMaxPool, pixels: number): number {
  if (node.op === 'maxPool') return 1;
  return node.countPadding ? node.kernel[0] * node.kernel[1] : pixels;
}
