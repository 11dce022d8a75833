import { elementCount, type GraphNode, type IntegerGraph, tensorsOf } from '../../src/model/graph.ts';

/** Where a synapse comes from: tensor and element. */
export type Synapse = readonly [tensor: string, element: number];

/** Every synapse of a node, one by one, straight from the operators' definitions; borders have none. */
export function* synapsesOf(graph: IntegerGraph, node: GraphNode): Generator<Synapse> {
  const tensors = tensorsOf(graph);
  const lengthOf = (name: string) => {
    const tensor = tensors.get(name);
    return tensor === undefined ? 0 : elementCount(tensor.shape);
  };
  const outputs = elementCount(node.output.shape);
  switch (node.op) {
    case 'convolution':
    case 'averagePool':
      yield* slidingSynapses(graph, node);
      return;
    case 'dense':
      for (let o = 0; o < outputs; o++) yield* all(node.input, lengthOf(node.input));
      return;
    case 'add':
      for (const name of node.inputs) yield* all(name, outputs);
      return;
    case 'multiply':
      for (let o = 0; o < outputs; o++) {
        yield [node.input, o];
        yield [node.gate, o % lengthOf(node.gate)];
      }
      return;
    case 'table':
      yield* all(node.input, outputs);
  }
}

function* all(name: string, length: number): Generator<Synapse> {
  for (let i = 0; i < length; i++) yield [name, i];
}

function* slidingSynapses(
  graph: IntegerGraph,
  node: Extract<GraphNode, { op: 'convolution' | 'averagePool' }>,
): Generator<Synapse> {
  const [inputHeight, inputWidth, inputs] = tensorsOf(graph).get(node.input)?.shape ?? [0, 0, 0];
  const [height, width, outputs] = node.output.shape;
  const groups = node.op === 'convolution' ? node.groups : inputs;
  const perGroup = inputs / groups;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let o = 0; o < outputs; o++) {
        const first = Math.floor(o / (outputs / groups)) * perGroup;
        for (let ky = 0; ky < node.kernel[0]; ky++) {
          for (let kx = 0; kx < node.kernel[1]; kx++) {
            const row = y * node.stride[0] + ky - node.padding.top;
            const column = x * node.stride[1] + kx - node.padding.left;
            if (row < 0 || row >= inputHeight || column < 0 || column >= inputWidth) continue;
            for (let i = 0; i < perGroup; i++)
              yield [node.input, (row * inputWidth + column) * inputs + first + i];
          }
        }
      }
    }
  }
}
