/**
 * Running means and variances of all batch norms, and their exponential moving averages, each as one vector: a step then
 * updates them in a few operations, however many layers there are.
 */
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../../model/architecture/parameters.ts';
import type { Arrays, NamedArray } from '../../model/checkpoint/format.ts';

/** Share of the batch in the running statistics. */
const MOMENTUM = 0.1;

export class RunningStatistics {
  readonly #places: ReadonlyMap<string, { readonly start: number; readonly shape: readonly number[] }>;
  readonly #running: tf.Variable;
  readonly #average: tf.Variable;

  /** @param statistics by name; `averages` may lack them and then starts as they are */
  constructor(statistics: Arrays, averages: Arrays) {
    let start = 0;
    this.#places = new Map(
      Array.from(statistics, ([name, { shape }]) => {
        const place = { start, shape };
        start += sizeOf(shape);
        return [name, place];
      }),
    );
    this.#running = variableOf([...statistics.values()]);
    this.#average = variableOf(Array.from(statistics, ([name, array]) => averages.get(name) ?? array));
  }

  /** What one training pass reports to. Within the differentiated function `observe` and then `keep`; after it `absorb`. */
  observer() {
    const batch = new Map<string, tf.Tensor1D>();
    let all: tf.Tensor1D | null = null;
    return {
      observe: (layer: string, mean: tf.Tensor1D, variance: tf.Tensor1D): void => {
        batch.set(`${layer}/mean`, mean);
        batch.set(`${layer}/variance`, variance);
      },
      keep: (): void => {
        const parts = Array.from(this.#places.keys()).flatMap((name) => batch.get(name) ?? []);
        if (parts.length > 0) all = tf.keep(tf.concat1d(parts));
      },
      absorb: (averageDecay: number): void => {
        if (all === null) return;
        blend(this.#running, all, MOMENTUM);
        blend(this.#average, this.#running, 1 - averageDecay);
        all.dispose();
      },
    };
  }

  /** The averages by name. Call it and use the result within one `tf.tidy`. */
  averageTensors(): (name: string) => tf.Tensor | undefined {
    return (name) => {
      const place = this.#places.get(name);
      return place && tf.slice(this.#average, [place.start], [sizeOf(place.shape)]);
    };
  }

  running(): Arrays {
    return this.#read(this.#running);
  }

  averages(): Arrays {
    return this.#read(this.#average);
  }

  dispose(): void {
    tf.dispose([this.#running, this.#average]);
  }

  #read(variable: tf.Variable): Arrays {
    const values = variable.dataSync<'float32'>();
    return new Map(
      Array.from(this.#places, ([name, { start, shape }]): [string, NamedArray] => [
        name,
        { shape, values: Float32Array.from(values.subarray(start, start + sizeOf(shape))) },
      ]),
    );
  }
}

function variableOf(arrays: readonly NamedArray[]): tf.Variable {
  const start = tf.tensor1d(Float32Array.from(arrays.flatMap(({ values }) => Array.from(values))), 'float32');
  const variable = tf.variable(start, false);
  start.dispose();
  return variable;
}

/** variable ← (1 − share)·variable + share·value */
function blend(variable: tf.Variable, value: tf.Tensor, share: number): void {
  variable.assign(tf.add(tf.mul(variable, 1 - share), tf.mul(value, share)));
}
