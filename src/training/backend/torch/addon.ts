/** The libtorch addon's face: where it lies, what it offers, how its errors become the project's. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { SpikescopeError } from '../../../errors.ts';

export type TensorValues = Float32Array | Int32Array | Uint8Array;

/** Number of a tensor in native memory, ATen's number of its type, then its shape. */
export type NativeTensor = readonly number[];

/** Methods throw errors with a `code`: `TORCH_KERNEL`, `OUT_OF_MEMORY`. */
export interface TorchAddon {
  /** Names of the kernels; a kernel's place in this list is what `run` takes. */
  kernels(): string[];
  run(kernel: number, tensors: readonly number[], attributes: readonly number[]): NativeTensor[];
  /** Copies values (float32, int32 or bool by the array's type) into a new tensor. @returns its number */
  write(values: TensorValues, shape: readonly number[]): number;
  /** A copy of a tensor's values. */
  read(tensor: number): TensorValues;
  /** Frees a tensor's memory now, unless another tensor shares it. */
  release(tensor: number): void;
  /** How many tensors are held. */
  count(): number;
  setThreads(threads: number): void;
  threads(): number;
}

const PLACE = '../../../../native/tfjs-torch/build/Release/tfjs_torch.node';

function functionSchema<F>() {
  return z.custom<F>((value) => typeof value === 'function');
}

const addonSchema = z.object({
  kernels: functionSchema<TorchAddon['kernels']>(),
  run: functionSchema<TorchAddon['run']>(),
  write: functionSchema<TorchAddon['write']>(),
  read: functionSchema<TorchAddon['read']>(),
  release: functionSchema<TorchAddon['release']>(),
  count: functionSchema<TorchAddon['count']>(),
  setThreads: functionSchema<TorchAddon['setThreads']>(),
  threads: functionSchema<TorchAddon['threads']>(),
}) satisfies z.ZodType<TorchAddon>;

export function torchAddonFile(): string {
  return fileURLToPath(new URL(PLACE, import.meta.url));
}

let loaded: TorchAddon | undefined;

/**
 * The addon, loaded once.
 * @throws SpikescopeError `TORCH_ADDON_MISSING` when it is not built, `TORCH_ADDON_UNUSABLE` when it does not load here
 */
export function torchAddon(): TorchAddon {
  loaded ??= load();
  return loaded;
}

function load(): TorchAddon {
  const file = torchAddonFile();
  const remedy = 'sudo apt-get install libtorch-dev && npm run build';
  if (!existsSync(file)) {
    throw new SpikescopeError('TORCH_ADDON_MISSING', 'The libtorch addon is not built', { file, remedy });
  }
  // Threads that spin while they wait take the processor from whoever else runs: one step then takes twenty times as long.
  process.env.OMP_WAIT_POLICY ??= 'passive';
  try {
    return addonSchema.parse(createRequire(import.meta.url)(file));
  } catch (cause) {
    throw new SpikescopeError('TORCH_ADDON_UNUSABLE', 'The libtorch addon does not load', {
      file,
      received: cause instanceof Error ? cause.message.split('\n')[0] : String(cause),
      remedy,
      cause,
    });
  }
}
