/** Shapes of every tensor of an architecture, which also checks that it is one. */
import { SpikescopeError } from '../../errors.ts';
import { elementCount, INPUT_NAME, type Shape } from '../graph.ts';
import { type Architecture, type Layer, layerInputs } from './architecture.ts';

/**
 * The shape of every tensor by name, the image included.
 * @throws SpikescopeError `ARCHITECTURE` where a layer reads what no earlier layer makes, repeats a name, or does not fit
 * its inputs
 */
export function shapesOf(architecture: Architecture): ReadonlyMap<string, Shape> {
  const shapes = new Map<string, Shape>([[INPUT_NAME, architecture.inputShape]]);
  for (const layer of architecture.layers) {
    const inputs = layerInputs(layer).map((input) => {
      const shape = shapes.get(input);
      if (shape === undefined) throw fault(layer, `the tensor ${input} of an earlier layer`, 'none');
      return shape;
    });
    if (shapes.has(layer.name)) throw fault(layer, 'a name of its own', layer.name);
    if (inputs.length === 0) throw fault(layer, 'one input or more', 'none');
    shapes.set(layer.name, outputShape(layer, inputs));
  }
  if (!shapes.has(architecture.output)) {
    throw new SpikescopeError('ARCHITECTURE', 'No layer makes the output', { node: architecture.output });
  }
  return shapes;
}

function outputShape(layer: Layer, inputs: readonly Shape[]): Shape {
  const [[height, width, channels]] = inputs;
  switch (layer.op) {
    case 'convolution':
    case 'depthwise': {
      if (layer.kernel % 2 !== 1) throw fault(layer, 'an odd kernel', String(layer.kernel));
      const filters = layer.op === 'convolution' ? layer.filters : channels;
      return [Math.ceil(height / layer.stride), Math.ceil(width / layer.stride), filters];
    }
    case 'dense':
      return [1, 1, layer.units];
    case 'globalMean':
      return [1, 1, channels];
    case 'flatten':
      return [1, 1, height * width * channels];
    case 'averagePool':
    case 'maxPool':
      if (layer.size > Math.min(height, width)) {
        throw fault(layer, `a window within ${height}×${width}`, `${layer.size}×${layer.size}`);
      }
      return [Math.floor(height / layer.size), Math.floor(width / layer.size), channels];
    case 'concat':
      requireSame(layer, inputs, ([h, w]) => `${h}×${w}`);
      return [height, width, inputs.reduce((sum, shape) => sum + shape[2], 0)];
    case 'add':
      requireSame(layer, inputs, String);
      return inputs[0];
    case 'multiply':
      if (String(inputs[1]) !== String(inputs[0]) && String(inputs[1]) !== `1,1,${channels}`) {
        throw fault(layer, `a gate of ${inputs[0].join('×')} or 1×1×${channels}`, inputs[1].join('×'));
      }
      return inputs[0];
    default:
      return inputs[0];
  }
}

function requireSame(layer: Layer, shapes: readonly Shape[], keyOf: (shape: Shape) => string): void {
  const other = shapes.find((shape) => keyOf(shape) !== keyOf(shapes[0]));
  if (other !== undefined) throw fault(layer, shapes[0].join('×'), other.join('×'));
}

function fault({ name, op }: Layer, expected: string, received: string): SpikescopeError {
  return new SpikescopeError('ARCHITECTURE', `A ${op} layer does not fit its inputs`, {
    node: name,
    expected,
    received,
  });
}

/** Multiply-adds of one image: convolutions and dense layers. */
export function multiplyAdds(architecture: Architecture): number {
  const shapes = shapesOf(architecture);
  const shapeOf = (tensor: string): Shape => shapes.get(tensor) ?? architecture.inputShape;
  return architecture.layers.reduce((sum, layer) => {
    const taps = 'kernel' in layer ? layer.kernel ** 2 : 1;
    switch (layer.op) {
      case 'convolution':
        return sum + elementCount(shapeOf(layer.name)) * taps * shapeOf(layer.input)[2];
      case 'depthwise':
        return sum + elementCount(shapeOf(layer.name)) * taps;
      case 'dense':
        return sum + layer.units * elementCount(shapeOf(layer.input));
      default:
        return sum;
    }
  }, 0);
}
