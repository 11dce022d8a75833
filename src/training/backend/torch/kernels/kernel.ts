/** What the tables of kernels share. */
import type * as tf from '@tensorflow/tfjs-core';
import type { TorchBackend } from '../torch-backend.ts';

export interface KernelCall {
  readonly inputs: tf.NamedTensorInfoMap;
  readonly backend: TorchBackend;
  readonly attrs: tf.NamedAttrMap;
}

/** tfjs's name of a kernel → how it is computed. */
export type KernelTable = Readonly<Record<string, (call: KernelCall) => tf.TensorInfo | tf.TensorInfo[]>>;

/** tfjs's operators check and build a kernel's inputs and attributes; their declared types cannot say so. */
export function given<T>(inputsOrAttributes: tf.NamedTensorInfoMap | tf.NamedAttrMap): T {
  return inputsOrAttributes as unknown as T;
}

/** A list among a kernel's numbers: its length, then its entries. */
export function list(entries: readonly number[]): number[] {
  return [entries.length, ...entries];
}

/** Kernels of one input `x` and no attributes. */
export function unary(...names: string[]): KernelTable {
  return tableOf(names, (name) => ({ inputs, backend }) => {
    const { x } = given<tf.UnaryInputs>(inputs);
    return backend.run(name, [present(x)])[0];
  });
}

/** Kernels of two inputs `a` and `b` and no attributes. */
export function binary(...names: string[]): KernelTable {
  return tableOf(names, (name) => ({ inputs, backend }) => {
    const { a, b } = given<tf.BinaryInputs>(inputs);
    return backend.run(name, [present(a), present(b)])[0];
  });
}

/** tfjs declares every input as possibly absent; only those that an operator leaves out on purpose are. */
export function present(input: tf.TensorInfo | undefined): tf.TensorInfo {
  if (input === undefined) throw new TypeError('A kernel was called without one of its inputs');
  return input;
}

/** Inputs that tfjs passes as a list. */
export function listed(inputs: tf.NamedTensorInfoMap): tf.TensorInfo[] {
  return Object.values(inputs).map(present);
}

function tableOf(names: readonly string[], make: (name: string) => KernelTable[string]): KernelTable {
  return Object.fromEntries(names.map((name) => [name, make(name)]));
}
