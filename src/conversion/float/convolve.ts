/**
 * Convolution sums for calibration, over real or integer values alike: float64 holds every int32 exactly. Blocked over
 * pixels and outputs, because calibration runs hundreds of images.
 */
import type { Shape } from '../../model/graph.ts';
import type { Window } from './graph.ts';

export interface Convolution extends Window {
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  readonly groups: number;
  /** [output][row][column][input of the group]. */
  readonly weights: Float64Array;
  readonly bias: Float64Array;
  /** Value outside the image per input channel; null for 0. */
  readonly outside: Float64Array | null;
}

/** bias + Σ input × weights, [pixel][output]. */
export function convolve(spec: Convolution, input: Float32Array): Float64Array {
  const channels = spec.inputShape[2];
  return spec.groups === channels && spec.outputShape[2] === channels
    ? convolveDepthwise(spec, input)
    : convolveGroups(spec, input);
}

function convolveDepthwise(spec: Convolution, input: Float32Array): Float64Array {
  const { stride, padding, kernel, weights, bias, outside } = spec;
  const [inputHeight, inputWidth, channels] = spec.inputShape;
  const [height, width] = spec.outputShape;
  const taps = kernel[0] * kernel[1];
  const byTap = new Float64Array(weights.length);
  for (let c = 0; c < channels; c++)
    for (let t = 0; t < taps; t++) byTap[t * channels + c] = weights[c * taps + t];
  const output = new Float64Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) output[to + c] = bias[c];
      for (let t = 0; t < taps; t++) {
        const row = y * stride[0] + Math.floor(t / kernel[1]) - padding.top;
        const column = x * stride[1] + (t % kernel[1]) - padding.left;
        const weight = t * channels;
        if (row < 0 || row >= inputHeight || column < 0 || column >= inputWidth) {
          if (outside === null) continue;
          for (let c = 0; c < channels; c++) output[to + c] += outside[c] * byTap[weight + c];
        } else {
          const from = (row * inputWidth + column) * channels;
          for (let c = 0; c < channels; c++) output[to + c] += input[from + c] * byTap[weight + c];
        }
      }
    }
  }
  return output;
}

function convolveGroups(spec: Convolution, input: Float32Array): Float64Array {
  const [height, width, outputs] = spec.outputShape;
  const pixels = height * width;
  const perOutput = spec.weights.length / outputs;
  const groupOutputs = outputs / spec.groups;
  const output = new Float64Array(pixels * outputs);
  const patches = new Float64Array(PIXELS * perOutput);
  for (let group = 0; group < spec.groups; group++) {
    for (let first = 0; first < pixels; first += PIXELS) {
      const count = Math.min(PIXELS, pixels - first);
      for (let p = 0; p < count; p++) gatherPatch(spec, input, group, first + p, patches, p * perOutput);
      multiplyPatches(spec, patches, perOutput, count, group * groupOutputs, groupOutputs, output, first);
    }
  }
  return output;
}

const PIXELS = 4;

/** Copies what one output pixel sees into `patches`. */
function gatherPatch(
  { inputShape, outputShape, kernel, stride, padding, groups, outside }: Convolution,
  input: Float32Array,
  group: number,
  pixel: number,
  patches: Float64Array,
  start: number,
): void {
  const [inputHeight, inputWidth, channels] = inputShape;
  const count = channels / groups;
  const firstChannel = group * count;
  const top = Math.floor(pixel / outputShape[1]) * stride[0] - padding.top;
  const left = (pixel % outputShape[1]) * stride[1] - padding.left;
  let to = start;
  for (let ky = 0; ky < kernel[0]; ky++) {
    for (let kx = 0; kx < kernel[1]; kx++) {
      const row = top + ky;
      const column = left + kx;
      if (row < 0 || row >= inputHeight || column < 0 || column >= inputWidth) {
        for (let i = 0; i < count; i++) patches[to++] = outside === null ? 0 : outside[firstChannel + i];
      } else {
        const from = (row * inputWidth + column) * channels + firstChannel;
        for (let i = 0; i < count; i++) patches[to++] = input[from + i];
      }
    }
  }
}

function multiplyPatches(
  { weights, bias, outputShape }: Convolution,
  patches: Float64Array,
  length: number,
  count: number,
  firstOutput: number,
  outputCount: number,
  output: Float64Array,
  firstPixel: number,
): void {
  const stride = outputShape[2];
  for (let o = firstOutput; o < firstOutput + outputCount; o++) {
    const w = o * length;
    let a0 = bias[o];
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    for (let k = 0; k < length; k++) {
      const weight = weights[w + k];
      a0 += weight * patches[k];
      a1 += weight * patches[length + k];
      a2 += weight * patches[2 * length + k];
      a3 += weight * patches[3 * length + k];
    }
    const to = firstPixel * stride + o;
    output[to] = a0;
    if (count > 1) output[to + stride] = a1;
    if (count > 2) output[to + 2 * stride] = a2;
    if (count > 3) output[to + 3 * stride] = a3;
  }
}
