/** Where quantisation-aware training starts: the converter's own calibration of the folded graph. */

import { groupsOf } from '../../conversion/calibration/groups.ts';
import { chooseQuantisations, collectHistograms } from '../../conversion/calibration/quantisations.ts';
import { collectStatistics, type Statistics } from '../../conversion/calibration/statistics.ts';
import type { FloatGraph } from '../../conversion/float/graph.ts';
import { withRepresentableFactors } from '../../conversion/quantise/scales.ts';
import type { Architecture } from '../../model/architecture/architecture.ts';
import type {
  ActivationQuantisation,
  Arrays,
  NamedArray,
  TrainedQuantisation,
  WeightQuantisation,
} from '../../model/checkpoint/format.ts';
import { INPUT_NAME, type Quantisation } from '../../model/graph.ts';
import { activationStep, weightStep } from './quantiser.ts';

export interface Bits {
  /** Of all activations behind the image. */
  readonly activations: 4 | 8;
  readonly weights: 4 | 8;
  /** Of the layers that read the image. */
  readonly firstWeights: 4 | 8;
}

export interface PlanSettings {
  readonly bits: Bits;
  /** Whether the activations' steps learn too, or stay as calibrated. Steps of weights below eight bits always learn. */
  readonly learnActivationSteps: boolean;
}

export interface QuantisationPlan {
  readonly quantisation: TrainedQuantisation;
  /** Logarithms of the steps that learn, by `activationStep` and `weightStep`. */
  readonly steps: Arrays;
}

/**
 * @param graph folded; its tensors are the architecture's
 * @param images of the training split, raw bytes, as the device feeds them
 */
export async function planQuantisation(
  graph: FloatGraph,
  architecture: Architecture,
  parameters: Arrays,
  images: readonly Uint8Array[],
  { bits, learnActivationSteps }: PlanSettings,
): Promise<QuantisationPlan> {
  const statistics = await collectStatistics(graph, images);
  const histograms = await collectHistograms(graph, statistics, images);
  const chosen = withRepresentableFactors(graph, chooseQuantisations(graph, histograms), 'per-channel');
  const groupOf = groupsOf(graph);
  const activations = new Map<string, ActivationQuantisation>();
  const steps = new Map<string, NamedArray>();
  const fixed = fixedGroups(graph, groupOf);
  for (const [tensor, quantisation] of chosen) {
    if (tensor === graph.output) continue;
    const group = groupOf(tensor);
    const few = bits.activations === 4 && group !== groupOf(INPUT_NAME);
    const start = few ? fourBits(statistics, group) : quantisation;
    activations.set(tensor, { ...start, maximum: few ? 15 : 255, group });
    if (learnActivationSteps && !fixed.has(group))
      steps.set(activationStep(group), logarithms([start.scale]));
  }
  const weights = planWeights(architecture, parameters, bits);
  for (const [layer, { limit, scales }] of weights) {
    if (limit < 127) steps.set(weightStep(layer), logarithms(scales));
  }
  return { quantisation: { activations, weights }, steps };
}

/** The image's bytes and the sigmoids' outputs have steps that are given. */
function fixedGroups(graph: FloatGraph, groupOf: (tensor: string) => string): ReadonlySet<string> {
  const gates = graph.nodes.filter(({ op }) => op === 'sigmoid').map(({ name }) => groupOf(name));
  return new Set([groupOf(INPUT_NAME), ...gates]);
}

/** Start of a learned step (Esser et al. 2020, §2.1): 2·mean|x|/√15, for values that are not negative. */
function fourBits(statistics: Statistics, tensor: string): Quantisation {
  const means = statistics.get(tensor)?.mean ?? Float64Array.of(1);
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  return { scale: Math.max((2 * mean) / Math.sqrt(15), 1e-4), zeroPoint: 0 };
}

function planWeights(
  { layers, output }: Architecture,
  parameters: Arrays,
  bits: Bits,
): Map<string, WeightQuantisation> {
  const plan = new Map<string, WeightQuantisation>();
  for (const layer of layers) {
    if (layer.op !== 'convolution' && layer.op !== 'depthwise' && layer.op !== 'dense') continue;
    const width = layer.input === INPUT_NAME ? bits.firstWeights : bits.weights;
    const array = parameters.get(`${layer.name}/weights`);
    if (array === undefined) throw new RangeError(`Layer ${layer.name} has no weights`);
    const limit = 2 ** (width - 1) - 1;
    // Potentials of the head must compare, so that its classes share one step.
    const outputs = layer.name === output ? 1 : lastExtent(array, layer.op === 'depthwise');
    plan.set(layer.name, { limit, scales: startingScales(array.values, outputs, limit) });
  }
  return plan;
}

function lastExtent({ shape }: NamedArray, isDepthwise: boolean): number {
  return shape[shape.length - (isDepthwise ? 2 : 1)];
}

/** Largest magnitude / limit for eight bits, 2·mean|w|/√limit for fewer. */
export function startingScales(values: Float32Array, outputs: number, limit: number): Float64Array {
  const scales = new Float64Array(outputs);
  values.forEach((value, i) => {
    const o = i % outputs;
    const magnitude = Math.abs(value);
    if (limit === 127) scales[o] = Math.max(scales[o], magnitude / limit);
    else scales[o] += (2 * magnitude * outputs) / (values.length * Math.sqrt(limit));
  });
  return scales.map((scale) => Math.max(scale, 1e-12));
}

function logarithms(scales: ArrayLike<number>): NamedArray {
  return { shape: [scales.length], values: Float32Array.from(scales, Math.log) };
}

/** What training settled on: learned steps as scales, the others from the weights as they are now. */
export function settledQuantisation(planned: TrainedQuantisation, arrays: Arrays): TrainedQuantisation {
  const learned = (name: string) => arrays.get(name)?.values;
  return {
    activations: new Map(
      Array.from(planned.activations, ([tensor, activation]) => {
        const logarithm = learned(activationStep(activation.group));
        const scale = logarithm === undefined ? activation.scale : Math.exp(logarithm[0]);
        return [tensor, { ...activation, scale }];
      }),
    ),
    weights: new Map(
      Array.from(planned.weights, ([layer, { limit, scales }]) => {
        const values = learned(`${layer}/weights`);
        const logarithm = learned(weightStep(layer));
        if (logarithm !== undefined)
          return [layer, { limit, scales: Float64Array.from(logarithm, Math.exp) }];
        if (values === undefined) throw new RangeError(`Layer ${layer} has no weights`);
        return [layer, { limit, scales: startingScales(values, scales.length, limit) }];
      }),
    ),
  };
}
