/** Where a quantised network rounds, in a pass that can be differentiated. */
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../model/architecture/architecture.ts';
import type { TrainedQuantisation } from '../../model/checkpoint/format.ts';
import { fakeQuantise } from '../backend/operators.ts';

export interface Quantiser {
  /** The tensor as the integer graph stores it; unchanged where it stores no tensor of that name. */
  activation(tensor: string, x: tf.Tensor): tf.Tensor;
  /** The weights of a layer on the integer grid. */
  weights(layer: string, weights: tf.Tensor): tf.Tensor;
}

/** Operators that only move values, which lie on the grid already. */
const MOVING: ReadonlySet<string> = new Set(['concat', 'flatten', 'maxPool']);

/** A learned step's logarithm lies under this name beside the parameters; tensors of one group share it. */
export function activationStep(group: string): string {
  return `${group}/logStep`;
}
export function weightStep(layer: string): string {
  return `${layer}/weights/logStep`;
}

/** Keeps the step of an output whose weights are all zero above zero. */
const SMALLEST_STEP = 1e-12;

/**
 * Rounds by `quantisation`. Where `array` has the logarithm of a step, its exponential takes the place of the stated scale
 * and learns; other weights' steps follow their largest magnitudes. Make it outside of the differentiated function, anew
 * for every step, within the tidy around it.
 */
export function fakeQuantiser(
  { layers }: Architecture,
  quantisation: TrainedQuantisation,
  array: (name: string) => tf.Tensor | undefined,
): Quantiser {
  const moved = new Set(layers.filter(({ op }) => MOVING.has(op)).map(({ name }) => name));
  const depthwise = new Set(layers.filter(({ op }) => op === 'depthwise').map(({ name }) => name));
  // A depthwise layer's outputs lie along the third axis; the operator wants them last.
  const outputsLast = (layer: string, weights: tf.Tensor) =>
    depthwise.has(layer) ? tf.squeeze(weights, [3]) : weights;
  const followed = new Map(
    Array.from(quantisation.weights).flatMap(([layer, { limit, scales }]) => {
      const weights = array(`${layer}/weights`);
      if (weights === undefined || array(weightStep(layer)) !== undefined) return [];
      return [[layer, largestStep(outputsLast(layer, weights), limit, scales.length === 1)] as const];
    }),
  );
  const learned = (name: string) => {
    const logarithm = array(name);
    return logarithm && tf.exp(logarithm);
  };
  return {
    activation(tensor, x) {
      const found = quantisation.activations.get(tensor);
      if (found === undefined || moved.has(tensor)) return x;
      const scale = learned(activationStep(found.group));
      const options = { learnScale: scale !== undefined };
      return fakeQuantise(x, scale ?? found.scale, found.zeroPoint, 0, found.maximum, options);
    },
    weights(layer, weights) {
      const limit = quantisation.weights.get(layer)?.limit;
      const scale = learned(weightStep(layer)) ?? followed.get(layer);
      if (limit === undefined || scale === undefined) return weights;
      const options = { learnScale: !followed.has(layer) };
      const rounded = fakeQuantise(outputsLast(layer, weights), scale, 0, -limit, limit, options);
      return tf.reshape(rounded, weights.shape);
    },
  };
}

/** The step that brings the largest magnitude, of each output or of all, to `limit`. */
function largestStep(weights: tf.Tensor, limit: number, uniform: boolean): tf.Tensor {
  const axes = uniform ? undefined : weights.shape.slice(0, -1).map((_, axis) => axis);
  return tf.maximum(tf.div(tf.max(tf.abs(weights), axes), limit), SMALLEST_STEP);
}
