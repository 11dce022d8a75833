/** What became of the scales that a quantised file states: which the bundle keeps, and what the others cost. */
import { type IntegerGraph, type Quantisation, tensorsOf } from '../../model/graph.ts';
import type { FloatConvolution, FloatDense, FloatGraph } from '../float/graph.ts';
import type { PlacedQuantisation } from '../quantise/stated.ts';
import { Noise } from './noise.ts';

/** Relative difference of scales that are the same but for arithmetic. */
const SAME = 1e-9;

export interface RequantisedLayer {
  readonly layer: string;
  /** Signal to noise of the bundle's weights against the file's, decibels; infinite where nothing is lost. */
  readonly decibels: number;
}

export interface FileScales {
  /** Tensors of the integer graph, the image aside. */
  readonly tensors: number;
  /** Tensors that have another scale or zero point than the file says, or of which it says none. */
  readonly changedTensors: readonly string[];
  readonly layers: number;
  /** Layers whose weights do not lie on the steps of the file. */
  readonly requantisedLayers: readonly RequantisedLayer[];
}

/** `folded`: the float graph that was lowered to `graph`, in the numbers of the file. */
export function fileScalesOf(
  folded: FloatGraph,
  graph: IntegerGraph,
  stated: PlacedQuantisation,
): FileScales {
  const own = tensorsOf(graph);
  const layers = folded.nodes.filter((node) => node.op === 'convolution' || node.op === 'dense');
  return {
    tensors: graph.nodes.length,
    changedTensors: graph.nodes
      .map(({ name }) => name)
      .filter((name) => !isSame(own.get(name)?.quantisation, stated.activations.get(name))),
    layers: layers.length,
    requantisedLayers: layers
      .filter(({ sources: [layer] }) => !stated.weights.has(layer))
      .map((layer) => ({ layer: layer.name, decibels: weightDecibels(layer, folded, graph) })),
  };
}

function isSame(a: Quantisation | undefined, b: Quantisation | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.zeroPoint === b.zeroPoint && Math.abs(a.scale - b.scale) <= SAME * b.scale;
}

function weightDecibels(
  layer: FloatConvolution | FloatDense,
  folded: FloatGraph,
  graph: IntegerGraph,
): number {
  const noise = new Noise();
  noise.add(layer.weights, realisedWeights(layer, folded, graph), { scale: 1, zeroPoint: 0 });
  return noise.decibels();
}

/** Real values of the bundle's weights, in the float graph's order of outputs. */
function realisedWeights(
  layer: FloatConvolution | FloatDense,
  folded: FloatGraph,
  graph: IntegerGraph,
): Float64Array {
  const perOutput = layer.weights.length / layer.bias.length;
  const node = graph.nodes.find(({ name }) => name === layer.name);
  if (node?.op === 'convolution' || node?.op === 'dense') {
    return Float64Array.from(
      node.weights,
      (weight, i) => weight * node.weightScales[Math.floor(i / perOutput)],
    );
  }
  const { head } = graph;
  const input = tensorsOf(graph).get(head.input)?.quantisation.scale ?? 1;
  const result = new Float64Array(layer.weights.length);
  folded.outputOrder.forEach((output, row) => {
    for (let i = 0; i < perOutput; i++) {
      result[output * perOutput + i] = (head.weights[row * perOutput + i] * head.scale) / input;
    }
  });
  return result;
}
