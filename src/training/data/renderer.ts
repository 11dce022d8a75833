import type { Pixels } from './cache/cache-file.ts';
import type { PixelCache } from './cache/open.ts';
import type { NativeLoader } from './native.ts';
import { packViews } from './views/pack.ts';
import { renderReference } from './views/render-reference.ts';
import type { View } from './views/view.ts';

/** Draws one view of each image at every size: float32 in [0, 1], images × size × size × 3 per size. */
export type Renderer = (images: readonly Pixels[], views: readonly View[]) => Promise<Float32Array[]>;

/** Float32 numbers not set to zero: the renderer sets them all, and a batch is megabytes. */
function unwritten(length: number): Float32Array {
  return new Float32Array(Buffer.allocUnsafeSlow(4 * length).buffer);
}

/** Off the main thread. `mapped`: the cache's whole file. */
export function nativeRenderer(mapped: Uint8Array, native: NativeLoader, sizes: readonly number[]): Renderer {
  return async (images, views) => {
    const frames = Float64Array.from(images.flatMap(({ offset, width, height }) => [offset, width, height]));
    const outputs = sizes.map((size) => unwritten(images.length * size * size * 3));
    await native.render(mapped, frames, packViews(views), outputs);
    return outputs;
  };
}

export function typescriptRenderer(cache: PixelCache, sizes: readonly number[]): Renderer {
  return async (images, views) => {
    const outputs = sizes.map((size) => new Float32Array(images.length * size * size * 3));
    images.forEach((image, i) => {
      const frame = cache.frame(image);
      sizes.forEach((size, s) => {
        outputs[s].set(renderReference(frame, views[i], size), i * size * size * 3);
      });
    });
    return outputs;
  };
}

const UNIT = Float32Array.from({ length: 256 }, (_, value) => value / 255);

/** The device's own input, out of a cache of squares: `frame(entry)` is the input already. */
export function exactInputs(cache: PixelCache, entries: readonly Pixels[]): Float32Array {
  const size = entries[0].width;
  const output = new Float32Array(entries.length * size * size * 3);
  entries.forEach((entry, image) => {
    const { rgb } = cache.frame(entry);
    const start = image * rgb.length;
    for (let i = 0; i < rgb.length; i++) output[start + i] = UNIT[rgb[i]];
  });
  return output;
}
