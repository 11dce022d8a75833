/**
 * Batch norms behind the convolutions of a network that has none, so that it learns as one that was built with them and
 * answers as before.
 */
import * as tf from '@tensorflow/tfjs-core';
import type {
  Architecture,
  ConvolutionLayer,
  DepthwiseLayer,
  Layer,
} from '../../model/architecture/architecture.ts';
import type { Arrays, NamedArray } from '../../model/checkpoint/format.ts';
import { INPUT_NAME } from '../../model/graph.ts';
import { execute } from './execute.ts';
import { tensorOf } from './tensors.ts';

const EPSILON = 1e-5;
/** Images at a time: all tensors of a pass are in memory together. */
const BATCH = 8;
/** Variance below which a channel counts as constant. */
const LEAST_VARIANCE = 1e-6;

interface Normalised {
  readonly architecture: Architecture;
  readonly parameters: Arrays;
  readonly statistics: Arrays;
}

type Convolution = ConvolutionLayer | DepthwiseLayer;

/**
 * y = W·x + b becomes BN(W′·x) with W′ = W/s, mean μ/s, variance σ²/s², γ = s·√(σ²/s² + ε) and β = μ + b, where μ and σ²
 * are those of W·x over the images, and s² = σ² + ε: every sum has about unit variance. A first layer of the image that
 * only normalises it stays as it is.
 * @param images raw bytes at the architecture's size, one or more
 */
export function withBatchNorms(
  { architecture, parameters }: Pick<Normalised, 'architecture' | 'parameters'>,
  images: readonly Uint8Array[],
): Normalised {
  const convolutions = architecture.layers.filter(isNormalisable);
  const measured = momentsOf(architecture, parameters, convolutions, images);
  const arrays = new Map(parameters);
  const statistics = new Map<string, NamedArray>();
  for (const layer of convolutions) {
    const moments = measured.get(layer.name);
    if (moments === undefined) throw new RangeError(`Layer ${layer.name} was not measured`);
    normalise(layer, moments, arrays, statistics);
  }
  const names = new Set(convolutions.map(({ name }) => name));
  const layers = architecture.layers.flatMap((layer): Layer[] => {
    if (!names.has(layer.name) || !isNormalisable(layer)) return [layer];
    const sums = sumsOf(layer.name);
    return [
      { ...layer, name: sums, bias: false },
      { op: 'batchNorm', name: layer.name, input: sums, epsilon: EPSILON },
    ];
  });
  return { architecture: { ...architecture, layers }, parameters: arrays, statistics };
}

/** The batch norm takes the layer's own name, so that what reads the layer now reads it. */
function sumsOf(name: string): string {
  return `${name}.unnormalised`;
}

function isNormalisable(layer: Layer): layer is Convolution {
  if (layer.op === 'depthwise') return layer.kernel > 1 || layer.input !== INPUT_NAME;
  return layer.op === 'convolution';
}

interface Moments {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** Of each layer's outputs, its bias left out, over images and places. */
function momentsOf(
  architecture: Architecture,
  parameters: Arrays,
  layers: readonly Convolution[],
  images: readonly Uint8Array[],
): Map<string, Moments> {
  const tensors = new Map(Array.from(parameters, ([name, array]) => [name, tensorOf(array)]));
  const totals = new Map(layers.map(({ name }) => [name, { count: 0, sum: [0], squares: [0] }]));
  try {
    for (let start = 0; start < images.length; start += BATCH) {
      const batch = images.slice(start, start + BATCH);
      const moments = batchMoments(architecture, tensors, layers, batch);
      for (const [name, { mean, variance }] of Object.entries(moments)) {
        const total = totals.get(name);
        if (total === undefined) continue;
        total.count += batch.length;
        total.sum = mean.map((m, c) => (total.sum[c] ?? 0) + m * batch.length);
        total.squares = variance.map((v, c) => (total.squares[c] ?? 0) + (v + mean[c] ** 2) * batch.length);
      }
    }
  } finally {
    tf.dispose([...tensors.values()]);
  }
  return new Map(
    layers.map(({ name, bias }) => {
      const { count, sum, squares } = totals.get(name) ?? { count: 1, sum: [], squares: [] };
      const means = sum.map((total) => total / count);
      const variance = Float64Array.from(squares, (total, c) => Math.max(total / count - means[c] ** 2, 0));
      const offsets = bias ? parameters.get(`${name}/bias`)?.values : undefined;
      return [name, { mean: Float64Array.from(means, (m, c) => m - (offsets?.[c] ?? 0)), variance }];
    }),
  );
}

function batchMoments(
  architecture: Architecture,
  tensors: ReadonlyMap<string, tf.Tensor>,
  layers: readonly Convolution[],
  images: readonly Uint8Array[],
): Record<string, { mean: number[]; variance: number[] }> {
  const [height, width, channels] = architecture.inputShape;
  const pixels = Float32Array.from(
    images.flatMap((image) => [...image]),
    (value) => value / 255,
  );
  return tf.tidy(() => {
    const array = (name: string): tf.Tensor => {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new RangeError(`No array is named ${name}`);
      return tensor;
    };
    const made = execute(
      { architecture, array, training: null, quantiser: null },
      tf.tensor(pixels, [images.length, height, width, channels]),
      layers.map(({ name }) => name),
    );
    return Object.fromEntries(
      layers.map(({ name }) => {
        const { mean, variance } = tf.moments(made[name], [0, 1, 2]);
        return [name, { mean: [...mean.dataSync()], variance: [...variance.dataSync()] }];
      }),
    );
  });
}

function normalise(
  { name, bias }: Convolution,
  { mean, variance }: Moments,
  arrays: Map<string, NamedArray>,
  statistics: Map<string, NamedArray>,
): void {
  const weights = arrays.get(`${name}/weights`);
  if (weights === undefined) throw new RangeError(`Layer ${name} has no weights`);
  const channels = mean.length;
  const offsets = bias ? arrays.get(`${name}/bias`)?.values : undefined;
  const units = variance.map((v) => Math.sqrt(Math.max(v, LEAST_VARIANCE)));
  const channel = (values: Iterable<number>): NamedArray => ({
    shape: [channels],
    values: Float32Array.from(values),
  });
  const left = variance.map((v, c) => v / units[c] ** 2);
  arrays.delete(`${name}/weights`);
  arrays.delete(`${name}/bias`);
  // Of both layouts the last extents are the outputs.
  arrays.set(`${sumsOf(name)}/weights`, {
    shape: weights.shape,
    values: weights.values.map((value, i) => value / units[i % channels]),
  });
  arrays.set(`${name}/scale`, channel(units.map((unit, c) => unit * Math.sqrt(left[c] + EPSILON))));
  arrays.set(`${name}/offset`, channel(mean.map((m, c) => m + (offsets?.[c] ?? 0))));
  statistics.set(`${name}/mean`, channel(mean.map((m, c) => m / units[c])));
  statistics.set(`${name}/variance`, channel(left));
}
