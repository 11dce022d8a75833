/**
 * Grad-CAM in closed form, from the integers that the engine gives anyway (specification §1.2).
 *
 * The head is flatten → dense over an embedding e = feature A × gate g. With the gate held constant, the gradient of
 * a class's potential with respect to A at one place is the head's weight there times the gate, so Grad-CAM's
 * channel weight is α_k = g_k × mean over places of w_k, and α_k A_k = mean(w_k) × e_k: neither gate nor feature is
 * needed by itself, and nothing is propagated back.
 */
import { embeddingShape } from '../model/embedding.ts';
import { type IntegerGraph, tensorsOf } from '../model/graph.ts';

/** Non-negative saliency of each place of the last feature map; row by row. */
export interface SaliencyMap {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

/** Makes the map of one class from an embedding (uint8, as an engine returns it). */
export type SaliencyMapper = (embedding: Uint8Array, classIndex: number) => SaliencyMap;

/**
 * The mapper of a graph, or null when its embedding has no places (a vector that no feature map was flattened into):
 * then there is nothing to crop by.
 */
export function saliencyMapper(graph: IntegerGraph): SaliencyMapper | null {
  const [rows, columns, channels] = embeddingShape(graph);
  const places = rows * columns;
  if (places === 1) return null;
  const { zeroPoint } = tensorOf(graph, graph.head.input).quantisation;
  const weights = graph.classes.map((_, c) => channelWeights(graph.head.weights, c, places, channels));
  return (embedding, classIndex) => {
    const classWeights = weights[classIndex];
    const values = new Float64Array(places);
    for (let place = 0; place < places; place++) {
      let sum = 0;
      for (let k = 0; k < channels; k++) {
        sum += classWeights[k] * (embedding[place * channels + k] - zeroPoint);
      }
      values[place] = Math.max(0, sum);
    }
    return { rows, columns, values };
  };
}

/** The head's weights of one class, summed over all places, per channel: exact integers. */
function channelWeights(
  weights: Int8Array,
  classIndex: number,
  places: number,
  channels: number,
): Float64Array {
  const sums = new Float64Array(channels);
  const start = classIndex * places * channels;
  for (let i = 0; i < places * channels; i++) sums[i % channels] += weights[start + i];
  return sums;
}

function tensorOf(graph: IntegerGraph, name: string) {
  const tensor = tensorsOf(graph).get(name);
  if (tensor === undefined) throw new RangeError(`No tensor is named ${name}`);
  return tensor;
}
