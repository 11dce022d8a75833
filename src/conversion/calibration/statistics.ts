/** First look at every tensor: extremes and means per channel. */
import { setImmediate } from 'node:timers/promises';
import { RefusedError } from '../../errors.ts';
import { INPUT_NAME, type Shape } from '../../model/graph.ts';
import type { FloatGraph } from '../float/graph.ts';
import { ownActivations } from './activations.ts';
import type { Activations } from './contract.ts';
import type { Order } from './order.ts';

export interface ChannelStatistics {
  readonly minimum: Float64Array;
  readonly maximum: Float64Array;
  readonly mean: Float64Array;
  readonly meanSquare: Float64Array;
}

export type Statistics = ReadonlyMap<string, ChannelStatistics>;

class Accumulator {
  readonly #minimum: Float64Array;
  readonly #maximum: Float64Array;
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;
  readonly #channels: number;
  #count = 0;

  constructor(channels: number) {
    this.#channels = channels;
    this.#minimum = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
    this.#maximum = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
    this.#sum = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  add(values: Float32Array, order: Order): void {
    this.#count += values.length / this.#channels;
    if (order === 'planes') this.#addPlanes(values);
    else this.#addPixels(values);
  }

  /** Adds up in the order of the pixels as well: the same sums to the last bit. */
  #addPlanes(values: Float32Array): void {
    const pixels = values.length / this.#channels;
    for (let c = 0; c < this.#channels; c++) {
      let [minimum, maximum] = [this.#minimum[c], this.#maximum[c]];
      let [sum, squares] = [this.#sum[c], this.#squares[c]];
      const end = (c + 1) * pixels;
      for (let i = c * pixels; i < end; i++) {
        const value = values[i];
        if (value < minimum) minimum = value;
        if (value > maximum) maximum = value;
        sum += value;
        squares += value * value;
      }
      this.#minimum[c] = minimum;
      this.#maximum[c] = maximum;
      this.#sum[c] = sum;
      this.#squares[c] = squares;
    }
  }

  #addPixels(values: Float32Array): void {
    const channels = this.#channels;
    for (let start = 0; start < values.length; start += channels) {
      for (let c = 0; c < channels; c++) {
        const value = values[start + c];
        if (value < this.#minimum[c]) this.#minimum[c] = value;
        if (value > this.#maximum[c]) this.#maximum[c] = value;
        this.#sum[c] += value;
        this.#squares[c] += value * value;
      }
    }
  }

  statistics(): ChannelStatistics {
    return {
      minimum: this.#minimum,
      maximum: this.#maximum,
      mean: this.#sum.map((sum) => sum / this.#count),
      meanSquare: this.#squares.map((sum) => sum / this.#count),
    };
  }
}

/** @throws RefusedError `CALIBRATION_NOT_FINITE`, naming the first tensor with infinite or undefined values */
export async function collectStatistics(
  graph: FloatGraph,
  images: readonly Uint8Array[],
  advance: () => void = () => {},
  activations: Activations = ownActivations(graph),
): Promise<Statistics> {
  const shapes = new Map<string, Shape>(graph.nodes.map(({ name, shape }) => [name, shape]));
  shapes.set(INPUT_NAME, graph.inputShape);
  const accumulators = new Map(Array.from(shapes, ([name, shape]) => [name, new Accumulator(shape[2])]));
  for (const image of images) {
    await activations.observe(image, (name, values, order) => accumulators.get(name)?.add(values, order));
    advance();
    // Lets the progress bar draw and a signal through.
    await setImmediate();
  }
  const statistics = new Map(
    Array.from(accumulators, ([name, accumulator]) => [name, accumulator.statistics()]),
  );
  refuseUnlessFinite(statistics, graph);
  return statistics;
}

function refuseUnlessFinite(statistics: Statistics, { nodes }: FloatGraph): void {
  for (const [name, { mean, minimum, maximum }] of statistics) {
    if ([mean, minimum, maximum].every((values) => values.every(Number.isFinite))) continue;
    const isFunction = nodes.some((node) => node.name === name && node.op === 'function');
    throw new RefusedError('CALIBRATION_NOT_FINITE', 'A tensor leaves the range of float32', {
      node: name,
      expected: 'finite values on every calibration image',
      remedy: isFunction
        ? 'bound what the function is given (Clip) where it has no value, as 1 ÷ 0, or export a sound checkpoint'
        : 'the training diverged or the file is damaged; export a sound checkpoint',
    });
  }
}
