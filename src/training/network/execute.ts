/** Runs an architecture on tfjs: one pass over its layers, differentiable, batch × height × width × channels. */
import * as tf from '@tensorflow/tfjs-core';
import {
  type Architecture,
  type ConvolutionLayer,
  type DepthwiseLayer,
  type Layer,
  layerInputs,
} from '../../model/architecture/architecture.ts';
import { shapesOf } from '../../model/architecture/shapes.ts';
import { elementCount, INPUT_NAME, type Shape } from '../../model/graph.ts';
import { batchNormTraining, dropout } from '../backend/operators.ts';
import { seedOf } from '../trainer/seed.ts';
import type { Quantiser } from './quantiser.ts';
import { stretched } from './stretch.ts';

export interface Training {
  /** Unsigned 32-bit integer; every dropout layer's mask follows from it. */
  readonly seed: number;
  /**
   * Takes a batch norm's mean and variance of this batch, [channels] each; they live as long as the tidy around the pass.
   */
  readonly observe: (layer: string, mean: tf.Tensor1D, variance: tf.Tensor1D) => void;
}

export interface Execution {
  readonly architecture: Architecture;
  /** Parameters and, outside of training, running statistics by name. */
  readonly array: (name: string) => tf.Tensor;
  /** Null for inference: running statistics, no dropout. */
  readonly training: Training | null;
  /** Null for float. */
  readonly quantiser: Quantiser | null;
}

/**
 * The tensors named in `wanted`, [n, height, width, channels] each. Call it within `tf.tidy`.
 * @param images [n, side, side, 3] in 0…1. Another side than the architecture's works as long as all pools divide it: the
 * last map is then stretched to what the head reads.
 */
export function execute<Name extends string>(
  execution: Execution,
  images: tf.Tensor,
  wanted: readonly Name[],
): Record<Name, tf.Tensor> {
  const { architecture, quantiser } = execution;
  const shapes = shapesOf(architecture);
  const tensors = new Map<string, tf.Tensor>([[INPUT_NAME, images]]);
  architecture.layers.forEach((layer, index) => {
    const inputs = layerInputs(layer).map((name) => found(tensors, name));
    const raw = executeLayer(layer, index, inputs, execution, shapes.get(inputNameOf(layer)));
    tensors.set(layer.name, quantiser === null ? raw : quantiser.activation(layer.name, raw));
  });
  return Object.fromEntries(wanted.map((name) => [name, found(tensors, name)])) as Record<Name, tf.Tensor>;
}

/** The logits, [n, classes]. */
export function logitsOf(execution: Execution, images: tf.Tensor): tf.Tensor2D {
  const { output } = execution.architecture;
  return asRows(execute(execution, images, [output])[output]);
}

function found(tensors: ReadonlyMap<string, tf.Tensor>, name: string): tf.Tensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new RangeError(`No tensor is named ${name}`);
  return tensor;
}

function inputNameOf(layer: Layer): string {
  return layerInputs(layer)[0];
}

function executeLayer(
  layer: Layer,
  index: number,
  inputs: readonly tf.Tensor[],
  { array, training, quantiser }: Execution,
  expected: Shape | undefined,
): tf.Tensor {
  const [x] = inputs;
  const weights = () => {
    const raw = array(`${layer.name}/weights`);
    return quantiser === null ? raw : quantiser.weights(layer.name, raw);
  };
  switch (layer.op) {
    case 'convolution':
      return withBias(
        layer,
        array,
        tf.conv2d(map(x), weights() as tf.Tensor4D, layer.stride, borderOf(layer)),
      );
    case 'depthwise':
      return withBias(
        layer,
        array,
        tf.depthwiseConv2d(map(x), weights() as tf.Tensor4D, layer.stride, borderOf(layer)),
      );
    case 'dense':
      return asMap(withBias(layer, array, tf.matMul(asRows(x), weights())));
    case 'batchNorm':
      return normalised(layer, x, array, training);
    case 'relu':
      return bounded(x, layer.maximum);
    case 'sigmoid':
      return tf.sigmoid(x);
    case 'concat':
      return tf.concat([...inputs], 3);
    case 'add':
      return inputs.length === 1 ? x : tf.addN([...inputs]);
    case 'multiply':
      return tf.mul(x, inputs[1]);
    case 'averagePool':
      return tf.avgPool(map(x), layer.size, layer.size, 'valid');
    case 'maxPool':
      return tf.maxPool(map(x), layer.size, layer.size, 'valid');
    case 'globalMean':
      return tf.mean(x, [1, 2], true);
    case 'flatten':
      return asMap(asRows(stretched(map(x), expected ?? [1, 1, 1])));
    case 'dropout':
      return training === null ? x : dropout(x, layer.rate, seedOf(training.seed, index));
  }
}

function borderOf({ kernel, border }: ConvolutionLayer | DepthwiseLayer): 'same' | number {
  return border === 'centred' ? (kernel - 1) / 2 : 'same';
}

/** Every tensor of the pass is a batch of maps. */
function map(x: tf.Tensor): tf.Tensor4D {
  return x as tf.Tensor4D;
}

function asRows(x: tf.Tensor): tf.Tensor2D {
  const [, height, width, channels] = x.shape;
  return tf.reshape(x, [-1, elementCount([height, width, channels])]);
}

function asMap(rows: tf.Tensor): tf.Tensor {
  return tf.reshape(rows, [-1, 1, 1, rows.shape[1] ?? 0]);
}

function withBias(
  { name, bias }: { readonly name: string; readonly bias: boolean },
  array: Execution['array'],
  sums: tf.Tensor,
): tf.Tensor {
  return bias ? tf.add(sums, array(`${name}/bias`)) : sums;
}

function bounded(x: tf.Tensor, maximum: number | null): tf.Tensor {
  if (maximum === null) return tf.relu(x);
  return maximum === 6 ? tf.relu6(x) : tf.clipByValue(x, 0, maximum);
}

function normalised(
  { name, epsilon }: { readonly name: string; readonly epsilon: number },
  x: tf.Tensor,
  array: Execution['array'],
  training: Training | null,
): tf.Tensor {
  const scale = array(`${name}/scale`);
  const offset = array(`${name}/offset`);
  if (training !== null) {
    const { y, mean, variance } = batchNormTraining(x, scale, offset, epsilon);
    training.observe(name, mean, variance);
    return y;
  }
  const factor = tf.mul(scale, tf.rsqrt(tf.add(array(`${name}/variance`), epsilon)));
  return tf.add(tf.mul(x, factor), tf.sub(offset, tf.mul(array(`${name}/mean`), factor)));
}
