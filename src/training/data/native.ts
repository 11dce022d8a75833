/** The native loader's face: native/tfjs-torch/data, built by scripts/build-native.mjs. Works without it, more slowly. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { PackedViews } from './views/pack.ts';

export interface NativeLoader {
  /** The whole file, read in as it is touched; unmapped when collected. Writing changes this process's view alone. */
  mapFile(path: string): Uint8Array;
  /**
   * Draws views off the main thread.
   * @param frames per image: offset in `pixels`, width, height; `PADDING_BYTES` follow each frame
   * @param views one per image
   * @param outputs one per size, float32, images × size × size × 3; not to be touched until the promise settles
   */
  render(
    pixels: Uint8Array,
    frames: Float64Array,
    views: PackedViews,
    outputs: readonly Float32Array[],
  ): Promise<void>;
}

function functionSchema<F>() {
  return z.custom<F>((value) => typeof value === 'function');
}

const loaderSchema = z.object({
  mapFile: functionSchema<NativeLoader['mapFile']>(),
  render: functionSchema<NativeLoader['render']>(),
}) satisfies z.ZodType<NativeLoader>;

/** A built copy to load in place of the usual one; an empty value stands for none. */
const LOADER_VARIABLE = 'SPIKESCOPE_DATA_LOADER';
const USUAL_PLACE = '../../../native/tfjs-torch/data/build/Release/training_data.node';

let loaded: NativeLoader | null | undefined;

/** Null where it is not built, or does not load here; then the first call says so on stderr. */
export function nativeLoader(): NativeLoader | null {
  if (loaded === undefined) loaded = load();
  return loaded;
}

function load(): NativeLoader | null {
  const file = process.env[LOADER_VARIABLE] ?? fileURLToPath(new URL(USUAL_PLACE, import.meta.url));
  const reason = existsSync(file) ? tryLoading(file) : 'it is not built';
  if (typeof reason !== 'string') return reason;
  process.stderr.write(
    `The native data loader is missing (${reason}): images are augmented in TypeScript, many times more slowly. ` +
      'To mend it: npm run build\n',
  );
  return null;
}

function tryLoading(file: string): NativeLoader | string {
  try {
    return loaderSchema.parse(createRequire(import.meta.url)(file));
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0] : String(error);
  }
}
