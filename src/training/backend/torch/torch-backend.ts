/** tfjs's storage and kernel calls on tensors that libtorch holds. */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { SpikescopeError } from '../../../errors.ts';
import type { NativeTensor, TensorValues, TorchAddon } from './addon.ts';

export const TORCH = 'torch';

/** ATen's numbers of the types that tfjs knows. */
export const SCALAR_TYPE = { float32: 6, int32: 3, bool: 11 } as const;
type StoredType = keyof typeof SCALAR_TYPE;
const TYPE_NAME = new Map<number, StoredType>([
  [6, 'float32'],
  [3, 'int32'],
  [11, 'bool'],
]);

interface Held {
  readonly tensor: number;
  references: number;
}

/**
 * Memory is freed when tfjs disposes the last tensor of it (`dispose`, `tidy`), never by the garbage collector, as on
 * tfjs's other native backends. Kernels run to their end within the call.
 */
export class TorchBackend extends tf.KernelBackend {
  readonly #addon: TorchAddon;
  readonly #kernels: ReadonlyMap<string, number>;
  readonly #held: tf.DataStorage<Held>;

  constructor(addon: TorchAddon) {
    super();
    this.#addon = addon;
    this.#kernels = new Map(addon.kernels().map((name, index) => [name, index]));
    this.#held = new tf.DataStorage<Held>(this, tf.engine());
  }

  /**
   * Runs a native kernel.
   * @throws SpikescopeError `TORCH_KERNEL` with ATen's own words, `OUT_OF_MEMORY`
   */
  run(kernel: string, inputs: readonly tf.TensorInfo[], attributes: readonly number[] = []): tf.TensorInfo[] {
    const index = this.#kernels.get(kernel) ?? -1;
    const tensors = inputs.map(({ dataId }) => this.#held.get(dataId).tensor);
    try {
      return this.#addon.run(index, tensors, attributes).map((result) => this.#hold(result));
    } catch (cause) {
      throw fromNative(cause, kernel, inputs);
    }
  }

  /** The same memory under one more owner. */
  share({ dataId, shape, dtype }: tf.TensorInfo): tf.TensorInfo {
    this.incRef(dataId);
    return { dataId, shape, dtype };
  }

  make(values: TensorValues, shape: number[], dtype: StoredType): tf.TensorInfo {
    return { dataId: this.write(values, shape, dtype), shape, dtype };
  }

  #hold([tensor, type, ...shape]: NativeTensor): tf.TensorInfo {
    const dataId = {};
    this.#held.set(dataId, { tensor, references: 1 });
    return { dataId, shape, dtype: TYPE_NAME.get(type) ?? 'float32' };
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(
    dataId: tf.DataId,
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    references: number,
  ): void {
    const tensor = this.#addon.write(storable(values, dtype), shape);
    this.#held.set(dataId, { tensor, references });
  }

  override readSync(dataId: tf.DataId): TensorValues {
    return this.#addon.read(this.#held.get(dataId).tensor);
  }

  override async read(dataId: tf.DataId): Promise<TensorValues> {
    return this.readSync(dataId);
  }

  override disposeData(dataId: tf.DataId, force = false): boolean {
    if (!this.#held.has(dataId)) return true;
    const held = this.#held.get(dataId);
    held.references -= 1;
    if (!force && held.references > 0) return false;
    this.#held.delete(dataId);
    this.#addon.release(held.tensor);
    return true;
  }

  override refCount(dataId: tf.DataId): number {
    return this.#held.has(dataId) ? this.#held.get(dataId).references : 0;
  }

  override incRef(dataId: tf.DataId): void {
    this.#held.get(dataId).references += 1;
  }

  override numDataIds(): number {
    return this.#held.numDataIds();
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override timerAvailable(): boolean {
    return true;
  }

  override async time(body: () => void): Promise<tf.BackendTimingInfo> {
    const start = performance.now();
    body();
    return { kernelMs: performance.now() - start };
  }

  override dispose(): void {}
}

function storable(values: tf.BackendValues, dtype: tf.DataType): TensorValues {
  if (dtype === 'float32')
    return values instanceof Float32Array ? values : Float32Array.from(numbers(values));
  if (dtype === 'int32') return values instanceof Int32Array ? values : Int32Array.from(numbers(values));
  if (dtype === 'bool') return values instanceof Uint8Array ? values : Uint8Array.from(numbers(values));
  throw new SpikescopeError('TORCH_TYPE', 'The torch backend holds numbers alone', {
    expected: 'float32, int32 or bool',
    received: dtype,
  });
}

function numbers(values: tf.BackendValues): number[] {
  return Array.from(values, Number);
}

const nativeErrorSchema = z.object({ code: z.string(), message: z.string() });

function fromNative(cause: unknown, kernel: string, inputs: readonly tf.TensorInfo[]): unknown {
  const parsed = nativeErrorSchema.safeParse(cause);
  if (!parsed.success) return cause;
  const shapes = inputs.map(({ dtype, shape }) => `${dtype}[${shape.join(', ')}]`).join(', ');
  return new SpikescopeError(parsed.data.code, parsed.data.message, {
    node: kernel,
    received: shapes,
    cause,
  });
}
