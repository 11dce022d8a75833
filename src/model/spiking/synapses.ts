/** Which synapses a node's neurons have, and what spikes cost on them. */
import { type ActivationTensor, elementCount, type GraphNode, type Shape } from '../graph.ts';

/** One sum over all synapses of a node: of the value that the presynaptic neuron has in `valuesOf` its tensor. */
export function sumOverSynapses(
  node: GraphNode,
  specificationOf: (name: string) => ActivationTensor,
  valuesOf: (name: string) => Uint8Array,
): number {
  const sum = (name: string) => valuesOf(name).reduce((total, value) => total + value, 0);
  switch (node.op) {
    case 'convolution': {
      const input = specificationOf(node.input);
      return (node.output.shape[2] / node.groups) * overWindows(node, input.shape, valuesOf(node.input));
    }
    case 'averagePool':
      return overWindows(node, specificationOf(node.input).shape, valuesOf(node.input));
    case 'dense':
      return elementCount(node.output.shape) * sum(node.input);
    case 'add':
      return node.inputs.reduce((total, name) => total + sum(name), 0);
    case 'multiply': {
      const targetsPerGate = elementCount(node.output.shape) / elementCount(specificationOf(node.gate).shape);
      return sum(node.input) + targetsPerGate * sum(node.gate);
    }
    case 'table':
      return sum(node.input);
    default:
      return 0;
  }
}

interface Sliding {
  readonly output: ActivationTensor;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: { readonly top: number; readonly left: number };
}

/** Every value times the number of windows that it lies in. */
function overWindows({ output, kernel, stride, padding }: Sliding, shape: Shape, values: Uint8Array): number {
  const rows = windowsPerPlace(shape[0], output.shape[0], kernel[0], stride[0], padding.top);
  const columns = windowsPerPlace(shape[1], output.shape[1], kernel[1], stride[1], padding.left);
  const [, width, channels] = shape;
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    const pixel = Math.floor(i / channels);
    total += values[i] * rows[Math.floor(pixel / width)] * columns[pixel % width];
  }
  return total;
}

/** For each row (or column) of the image the number of rows of windows that cover it. */
function windowsPerPlace(
  places: number,
  windows: number,
  kernel: number,
  stride: number,
  before: number,
): Uint32Array {
  const counts = new Uint32Array(places);
  for (let window = 0; window < windows; window++) {
    for (let k = 0; k < kernel; k++) {
      const place = window * stride + k - before;
      if (place >= 0 && place < places) counts[place]++;
    }
  }
  return counts;
}
