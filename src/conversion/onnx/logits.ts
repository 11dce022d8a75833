/** The tensor that answers: one value for each class. */
import { RefusedError } from '../../errors.ts';
import { INPUT_NAME } from '../../model/graph.ts';
import { type Activation, shapeOf } from './context.ts';
import type { Ending } from './ending.ts';

/** As many as a bundle may name. */
const MAXIMUM_CLASSES = 4096;

/** @throws RefusedError `ONNX_OUTPUTS` unless it is a vector that the image makes */
export function requireLogits(output: Activation | undefined, { tensor, argMaxAxis }: Ending): Activation {
  if (output === undefined) {
    throw new RefusedError('ONNX_OUTPUTS', 'Nothing in the graph makes its output', { field: tensor });
  }
  if (output.name === INPUT_NAME) {
    throw new RefusedError('ONNX_OUTPUTS', 'The network gives back its input', { field: tensor });
  }
  const { dims } = output;
  const count = dims.reduce((product, extent) => product * extent, 1);
  const axis = argMaxAxis !== null && argMaxAxis < 0 ? argMaxAxis + dims.length : argMaxAxis;
  if ((axis !== null && dims[axis] !== count) || (output.axes !== undefined && Math.max(...dims) !== count)) {
    throw new RefusedError('ONNX_OUTPUTS', 'The answer of the network is no vector of classes', {
      field: tensor,
      expected: '[N, classes]',
      received: `[${dims.join(', ')}]${axis === null ? '' : `, the largest along axis ${axis}`}`,
      remedy: 'name the tensor that holds one value per class with --output',
    });
  }
  if (count > MAXIMUM_CLASSES) {
    throw new RefusedError('ONNX_OUTPUTS', 'The network gives more values than a classifier has classes', {
      field: tensor,
      expected: `at most ${MAXIMUM_CLASSES}`,
      received: `${count}, [${dims.join(', ')}]`,
      remedy: 'export the classifier output, one value per class',
    });
  }
  return output;
}

/** For each value in ONNX’s order, its index in the float graph’s tensor. */
export function identityOrder(dims: readonly number[]): Int32Array {
  const [height, width, channels] = shapeOf(dims);
  // A map as output: ONNX lists it channel by channel.
  return Int32Array.from({ length: height * width * channels }, (_, i) => {
    const pixel = i % (height * width);
    return pixel * channels + Math.floor(i / (height * width));
  });
}
