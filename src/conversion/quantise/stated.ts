/** Scales and zero points that an ONNX file states, put to the tensors of the folded graph. */
import type { TrainedQuantisation, WeightQuantisation } from '../../model/checkpoint/format.ts';
import { INPUT_NAME, type Quantisation } from '../../model/graph.ts';
import { groupsOf } from '../calibration/groups.ts';
import { INPUT_QUANTISATION } from '../calibration/quantisations.ts';
import type { FloatConvolution, FloatDense, FloatGraph, FloatNode } from '../float/graph.ts';
import type { TensorQuantisation } from './precision.ts';

/** By the names of ONNX nodes. */
export interface StatedQuantisation {
  readonly activations: ReadonlyMap<string, Quantisation>;
  /** Real value of one weight step, one for each output or one for all. */
  readonly weights: ReadonlyMap<string, Float64Array>;
}

export interface PlacedQuantisation {
  readonly activations: ReadonlyMap<string, TensorQuantisation>;
  readonly weights: ReadonlyMap<string, WeightQuantisation>;
  /** Tensors and layers of which the file says nothing that the integer graph can take. */
  readonly missing: readonly string[];
}

/** Largest |weight| of eight bits, −128 included: that of the files. */
const LIMIT = 128;
/** How far from a whole number of steps a weight may lie. */
const ROUNDING = 1e-3;

export function placed(graph: FloatGraph, stated: StatedQuantisation): PlacedQuantisation {
  const activations = placedActivations(graph, stated);
  const weights = new Map<string, WeightQuantisation>();
  const missing = new Set<string>();
  for (const node of graph.nodes) {
    const isHead = node.name === graph.output && node.op === 'dense' && node.clamp === null;
    if (!activations.has(node.name) && !isHead) missing.add(node.name);
    if (node.op !== 'convolution' && node.op !== 'dense') continue;
    const scales = stepsOf(node, stated);
    if (scales === null) missing.add(node.name);
    else weights.set(node.sources[0], { limit: LIMIT, scales });
  }
  return { activations, weights, missing: [...missing] };
}

/** As training would have settled it; null where the file leaves something open. */
export function settledBy({ activations, weights, missing }: PlacedQuantisation): TrainedQuantisation | null {
  if (missing.length > 0) return null;
  const own = Array.from(
    activations,
    ([name, quantisation]) => [name, { ...quantisation, group: name }] as const,
  );
  return { activations: new Map(own), weights };
}

/** Of tensors that share one quantisation, what is said of any; nothing where they contradict each other. */
function placedActivations(graph: FloatGraph, stated: StatedQuantisation): Map<string, TensorQuantisation> {
  const groupOf = groupsOf(graph);
  const byGroup = new Map<string, TensorQuantisation | null>();
  byGroup.set(groupOf(INPUT_NAME), INPUT_QUANTISATION);
  for (const node of graph.nodes) {
    const own = statedOf(node, stated);
    if (own === undefined || groupOf(node.name) === groupOf(INPUT_NAME)) continue;
    const group = groupOf(node.name);
    const known = byGroup.get(group);
    const agrees = known === undefined || (known?.scale === own.scale && known.zeroPoint === own.zeroPoint);
    byGroup.set(group, agrees ? { ...own, maximum: 255 } : null);
  }
  const found = new Map<string, TensorQuantisation>();
  for (const name of [INPUT_NAME, ...graph.nodes.map((node) => node.name)]) {
    const quantisation = byGroup.get(groupOf(name));
    if (quantisation) found.set(name, quantisation);
  }
  return found;
}

/** What was said last of the ONNX nodes that a node stands for: what lies between is not stored any more. */
function statedOf({ sources }: FloatNode, { activations }: StatedQuantisation): Quantisation | undefined {
  const source = sources.findLast((name) => activations.has(name));
  return source === undefined ? undefined : activations.get(source);
}

/** The layer's weight steps, unless something was folded into it since. */
function stepsOf(
  { sources, weights, bias }: FloatConvolution | FloatDense,
  stated: StatedQuantisation,
): Float64Array | null {
  const source = sources.find((name) => stated.weights.has(name));
  const scales = source === undefined ? undefined : stated.weights.get(source);
  if (scales === undefined || (scales.length !== 1 && scales.length !== bias.length)) return null;
  const perOutput = weights.length / bias.length;
  const areWhole = weights.every((weight, i) => {
    const steps = weight / scales[scales.length === 1 ? 0 : Math.floor(i / perOutput)];
    return Math.abs(steps - Math.round(steps)) <= ROUNDING && Math.abs(steps) <= LIMIT + ROUNDING;
  });
  return areWhole ? scales : null;
}
