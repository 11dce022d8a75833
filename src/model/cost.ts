/** What a graph costs: multiply-adds and bytes. */
import { elementCount, type GraphNode, type Head } from './graph.ts';

/** Multiply-adds of one image; nodes that only move, look up or pool values have none. */
export function multiplyAddsOf(node: GraphNode): number {
  switch (node.op) {
    case 'convolution':
      return (node.weights.length / node.output.shape[2]) * elementCount(node.output.shape);
    case 'dense':
      return node.weights.length;
    case 'add':
      return node.inputs.length * elementCount(node.output.shape);
    case 'multiply':
      return elementCount(node.output.shape);
    default:
      return 0;
  }
}

/** The same of several nodes. */
export function sumOfMultiplyAdds(nodes: readonly GraphNode[]): number {
  return nodes.reduce((sum, node) => sum + multiplyAddsOf(node), 0);
}

/** Bytes of weights, biases, tables and requantisation parameters, as an engine needs them. */
export function parameterBytesOf(node: GraphNode | Head): number {
  const arrays: (ArrayBufferView | undefined)[] = [];
  if ('weights' in node) arrays.push(node.weights, node.bias);
  if ('table' in node) arrays.push(node.table);
  if ('channels' in node) arrays.push(node.rows, node.columns, node.channels);
  if ('requantisation' in node) arrays.push(node.requantisation.multiplier, node.requantisation.shift);
  if ('multipliers' in node) arrays.push(node.multipliers);
  return arrays.reduce((sum, array) => sum + (array?.byteLength ?? 0), 0);
}
