import { RefusedError } from '../../../errors.ts';
import type { ImportContext, Operation } from '../context.ts';
import { placeWindow } from './window.ts';

/** Conv with two spatial axes: any group, stride, padding and dilation. */
export function importConvolution(operation: Operation, context: ImportContext): void {
  const { label, attributes } = operation;
  const input = context.image(operation, 0);
  const parameter = context.weights(operation, 1);
  const { dims, values } = parameter;
  context.stateWeights(operation, parameter, 0);
  const [, channels, height, width] = input.dims;
  const groups = attributes.integer('group', 1);
  const [outputs, groupInputs] = dims;
  const consistent =
    dims.length === 4 && groups >= 1 && groupInputs * groups === channels && outputs % groups === 0;
  if (!consistent) {
    throw new RefusedError('ONNX_SHAPE', 'The weights of a convolution do not fit its input', {
      node: label,
      expected: `[outputs, ${channels} / groups, kernel height, kernel width]`,
      received: `[${dims.join(', ')}] in ${groups} groups`,
    });
  }
  const kernel = [dims[2], dims[3]];
  const stated = attributes.integers('kernel_shape');
  if (stated !== undefined && (stated[0] !== kernel[0] || stated[1] !== kernel[1])) {
    throw new RefusedError('ONNX_SHAPE', 'kernel_shape contradicts the weights', {
      node: label,
      expected: kernel.join('×'),
      received: stated.join('×'),
    });
  }
  const dilation = dilationOf(operation, kernel);
  const reach = kernel.map((extent, axis) => (extent - 1) * dilation[axis] + 1);
  const window = placeWindow(operation, [height, width], reach, false, true);
  requireModestSpread(label, outputs * groupInputs * reach[0] * reach[1]);
  const plain = channelsLast(values, outputs, groupInputs, dims[2] * dims[3]);
  context.emit(
    operation,
    {
      op: 'convolution',
      input: input.name,
      kernel: window.kernel,
      stride: window.stride,
      padding: window.padding,
      groups,
      paddingValues: null,
      weights: spread(plain, outputs, groupInputs, kernel, dilation),
      bias: importBias(operation, context, outputs),
      clamp: null,
    },
    [1, outputs, window.outputHeight, window.outputWidth],
  );
}

/** Most weights, zeros included, that a dilated convolution may come to. */
const MOST_SPREAD_WEIGHTS = 2 ** 26;

function dilationOf({ attributes, label }: Operation, kernel: readonly number[]): readonly number[] {
  const stated = attributes.integers('dilations') ?? [1, 1];
  if (stated.length !== 2 || stated.some((value) => !Number.isInteger(value) || value < 1 || value > 4096)) {
    throw new RefusedError('ONNX_ATTRIBUTE', 'A convolution is dilated along two axes', {
      node: label,
      field: 'dilations',
      expected: 'two values in 1…4096',
      received: stated.join(', '),
    });
  }
  return stated.map((value, axis) => (kernel[axis] === 1 ? 1 : value));
}

function requireModestSpread(label: string, count: number): void {
  if (count <= MOST_SPREAD_WEIGHTS) return;
  throw new RefusedError('ONNX_ATTRIBUTE', 'A dilated convolution reaches too far', {
    node: label,
    field: 'dilations',
    expected: `at most ${MOST_SPREAD_WEIGHTS} weights with the zeros between`,
    received: `${count}`,
    remedy: 'use a smaller dilation',
  });
}

/** A dilated kernel as one with zeros between: [output][pixel][input]. */
function spread(
  weights: Float64Array,
  outputs: number,
  inputs: number,
  [height, width]: readonly number[],
  [down, across]: readonly number[],
): Float64Array {
  if (down * across === 1) return weights;
  const [tall, wide] = [(height - 1) * down + 1, (width - 1) * across + 1];
  const result = new Float64Array(outputs * tall * wide * inputs);
  let from = 0;
  for (let o = 0; o < outputs; o++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const to = ((o * tall + y * down) * wide + x * across) * inputs;
        for (let i = 0; i < inputs; i++) result[to + i] = weights[from++];
      }
    }
  }
  return result;
}

/** [output][input][pixel] → [output][pixel][input]. */
function channelsLast(weights: Float64Array, outputs: number, inputs: number, pixels: number): Float64Array {
  const result = new Float64Array(weights.length);
  let from = 0;
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let p = 0; p < pixels; p++) result[(o * pixels + p) * inputs + i] = weights[from++];
    }
  }
  return result;
}

function importBias(operation: Operation, context: ImportContext, outputs: number): Float64Array {
  if ((operation.node.input[2] ?? '') === '') return new Float64Array(outputs);
  const { values } = context.weights(operation, 2);
  if (values.length !== outputs) {
    throw new RefusedError('ONNX_SHAPE', 'The bias of a convolution does not fit its outputs', {
      node: operation.label,
      expected: `${outputs} values`,
      received: `${values.length}`,
    });
  }
  return values;
}
