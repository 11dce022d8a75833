/** Writes an architecture layer by layer; every method adds one layer and returns the name of its tensor. */

import { INPUT_NAME, type Shape } from '../graph.ts';
import type { Architecture, Layer } from './architecture.ts';

/** A tensor of the network under construction. */
export type Tensor = string;

const EPSILON = 1e-5;

export interface WindowOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly bias?: boolean;
}

export class ArchitectureBuilder {
  readonly input: Tensor = INPUT_NAME;
  readonly #layers: Layer[] = [];
  #scope = '';

  /** Names the layers that follow `scope.…`. */
  scope(scope: string): void {
    this.#scope = `${scope}.`;
  }

  convolution(name: string, input: Tensor, filters: number, options: WindowOptions = {}): Tensor {
    const { kernel = 3, stride = 1, bias = false } = options;
    return this.#add(name, (name) => ({ op: 'convolution', name, input, filters, kernel, stride, bias }));
  }

  pointwise(name: string, input: Tensor, filters: number): Tensor {
    return this.convolution(name, input, filters, { kernel: 1 });
  }

  depthwise(name: string, input: Tensor, options: WindowOptions = {}): Tensor {
    const { kernel = 3, stride = 1, bias = false } = options;
    return this.#add(name, (name) => ({ op: 'depthwise', name, input, kernel, stride, bias }));
  }

  dense(name: string, input: Tensor, units: number, { bias = true } = {}): Tensor {
    return this.#add(name, (name) => ({ op: 'dense', name, input, units, bias }));
  }

  batchNorm(name: string, input: Tensor): Tensor {
    return this.#add(name, (name) => ({ op: 'batchNorm', name, input, epsilon: EPSILON }));
  }

  relu(name: string, input: Tensor, maximum: number | null = null): Tensor {
    return this.#add(name, (name) => ({ op: 'relu', name, input, maximum }));
  }

  sigmoid(name: string, input: Tensor): Tensor {
    return this.#add(name, (name) => ({ op: 'sigmoid', name, input }));
  }

  concat(name: string, inputs: readonly Tensor[]): Tensor {
    return this.#add(name, (name) => ({ op: 'concat', name, inputs }));
  }

  add(name: string, inputs: readonly Tensor[]): Tensor {
    return this.#add(name, (name) => ({ op: 'add', name, inputs }));
  }

  multiply(name: string, input: Tensor, gate: Tensor): Tensor {
    return this.#add(name, (name) => ({ op: 'multiply', name, input, gate }));
  }

  averagePool(name: string, input: Tensor, size = 2): Tensor {
    return this.#add(name, (name) => ({ op: 'averagePool', name, input, size }));
  }

  maxPool(name: string, input: Tensor, size = 2): Tensor {
    return this.#add(name, (name) => ({ op: 'maxPool', name, input, size }));
  }

  globalMean(name: string, input: Tensor): Tensor {
    return this.#add(name, (name) => ({ op: 'globalMean', name, input }));
  }

  flatten(name: string, input: Tensor): Tensor {
    return this.#add(name, (name) => ({ op: 'flatten', name, input }));
  }

  /** No layer where the rate is 0. */
  dropout(name: string, input: Tensor, rate: number): Tensor {
    return rate === 0 ? input : this.#add(name, (name) => ({ op: 'dropout', name, input, rate }));
  }

  build(name: string, inputShape: Shape, output: Tensor): Architecture {
    return { name, inputShape, layers: [...this.#layers], output };
  }

  #add(name: string, make: (name: string) => Layer): Tensor {
    const layer = make(this.#scope + name);
    this.#layers.push(layer);
    return layer.name;
  }
}
