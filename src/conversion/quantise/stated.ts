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
  /** By the first source of a layer, as training settles them. */
  readonly weights: ReadonlyMap<string, WeightQuantisation>;
  /** Tensors of which the file says nothing that the integer graph can take; images have to. */
  readonly openTensors: readonly string[];
}

/** Largest |weight| of eight bits, −128 included: that of the files. */
const LIMIT = 128;
/** Of weights that are all zero. */
const SMALLEST_STEP = 1e-12;
/** How far from a whole number of steps a weight may lie. */
const ROUNDING = 1e-3;

export function placed(graph: FloatGraph, stated: StatedQuantisation): PlacedQuantisation {
  const activations = placedActivations(graph, stated);
  const weights = new Map<string, WeightQuantisation>();
  const openTensors: string[] = [];
  /** Layers without steps, or of which copies have others. */
  const torn = new Set<string>();
  for (const node of graph.nodes) {
    const isHead = node.name === graph.output && node.op === 'dense' && node.clamp === null;
    if (!activations.has(node.name) && !isHead) openTensors.push(node.name);
    if (node.op !== 'convolution' && node.op !== 'dense') continue;
    const [layer] = node.sources;
    const scales = stepsOf(node, stated);
    if (scales === null || (weights.has(layer) && !sameSteps(weights.get(layer)?.scales, scales)))
      torn.add(layer);
    else weights.set(layer, { limit: LIMIT, scales });
  }
  for (const layer of torn) weights.delete(layer);
  return { activations, weights, openTensors };
}

function sameSteps(a: Float64Array | undefined, b: Float64Array): boolean {
  return a?.length === b.length && a.every((step, i) => step === b[i]);
}

/** As training would have settled it; null where images have to say the scale of a tensor. */
export function settledBy({
  activations,
  weights,
  openTensors,
}: PlacedQuantisation): TrainedQuantisation | null {
  if (openTensors.length > 0) return null;
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

/** Steps of the layer's weights: the file's, or what became of them where factors were folded into the layer since. */
function stepsOf(node: FloatConvolution | FloatDense, stated: StatedQuantisation): Float64Array | null {
  const source = node.sources.find((name) => stated.weights.has(name));
  const scales = source === undefined ? undefined : stated.weights.get(source);
  if (scales === undefined) return null;
  const { weights, bias } = node;
  const perOutput = weights.length / bias.length;
  const rows = Array.from(bias, (_, o) => weights.subarray(o * perOutput, (o + 1) * perOutput));
  const fits = scales.length === 1 || scales.length === rows.length;
  if (fits && rows.every((row, o) => areSteps(row, scales[scales.length === 1 ? 0 : o]))) return scales;
  const found = rows.map(stepIn);
  return found.every((step) => step !== null) ? Float64Array.from(found) : null;
}

function areSteps(row: Float64Array, step: number): boolean {
  return row.every((weight) => {
    const steps = weight / step;
    return Math.abs(steps - Math.round(steps)) <= ROUNDING && Math.abs(steps) <= LIMIT + ROUNDING;
  });
}

/** The finest step of which all weights are whole multiples within the limit; null where there is none. */
function stepIn(row: Float64Array): number | null {
  const largest = row.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
  if (largest === 0) return SMALLEST_STEP;
  for (let count = LIMIT; count > 0; count--) {
    const step = largest / count;
    if (areSteps(row, step)) return step;
  }
  return null;
}
