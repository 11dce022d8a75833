import { type IntegerGraph, type Shape, tensorsOf } from './graph.ts';

/** Shape of the embedding before it was flattened: rows and columns of places, and channels. */
export function embeddingShape(graph: IntegerGraph): Shape {
  let name = graph.head.input;
  for (;;) {
    const node = graph.nodes.find((candidate) => candidate.name === name);
    if (node?.op !== 'flatten') break;
    name = node.input;
  }
  const tensor = tensorsOf(graph).get(name);
  if (tensor === undefined) throw new RangeError(`No tensor is named ${name}`);
  return tensor.shape;
}

/** Most places over which an embedding can be pooled: 128 × 255 is the largest sum that int16 holds. */
export const MAXIMUM_PLACES = 128;

/**
 * Sum of each channel over all places, 0…32,640.
 * @param embedding uint8, places × channels
 */
export function pooled(embedding: Uint8Array, channels: number): Int16Array {
  const sums = new Int16Array(channels);
  for (let start = 0; start < embedding.length; start += channels) {
    for (let k = 0; k < channels; k++) sums[k] += embedding[start + k];
  }
  return sums;
}
