import { RefusedError } from '../../../errors.ts';
import type { ImportContext, Operation } from '../context.ts';
import { placeWindow } from './window.ts';

/** Conv with two spatial axes: any group, stride and padding; dilation 1. */
export function importConvolution(operation: Operation, context: ImportContext): void {
  const { label, attributes } = operation;
  const input = context.image(operation, 0);
  const { dims, values } = context.weights(operation, 1);
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
  const window = placeWindow(operation, [height, width], kernel, false);
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
      weights: channelsLast(values, outputs, groupInputs, dims[2] * dims[3]),
      bias: importBias(operation, context, outputs),
      clamp: null,
    },
    [1, outputs, window.outputHeight, window.outputWidth],
  );
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
