import { seededRandom } from '../../random.ts';
import { seedOf } from '../trainer/seed.ts';
import type { Pixels } from './cache/cache-file.ts';
import type { PixelCache } from './cache/open.ts';
import type { CheckedOptions } from './check-options.ts';
import { greyWorldGains } from './grey-world.ts';
import type { NativeLoader } from './native.ts';
import type { Place } from './order.ts';
import { exactInputs, nativeRenderer, typescriptRenderer } from './renderer.ts';
import { drawView } from './views/draw.ts';
import { IDENTITY, type View } from './views/view.ts';

/** Makes the images of some places of an epoch, one array per input size. */
export type Producer = (places: readonly Place[], epoch: number) => Promise<Float32Array[]>;

/** The device's own inputs, out of one cache of squares per input size. */
export function exactProducer(
  squares: readonly { readonly cache: PixelCache; readonly images: readonly Pixels[] }[],
): Producer {
  return async (places) =>
    squares.map(({ cache, images }) =>
      exactInputs(
        cache,
        places.map(({ index }) => images[index]),
      ),
    );
}

/** Streams that must not coincide although seeds and indices do. */
const AUGMENTATION = 3;
const COPY = 4;

/**
 * Views of whole frames. An image's own view follows from seed, epoch, index and occurrence; a copy's is the same in
 * every epoch.
 */
export function viewProducer(
  cache: PixelCache,
  native: NativeLoader | null,
  images: readonly Pixels[],
  rows: readonly { readonly sample: number; readonly copy: number }[],
  { seed, augmentation, copyAugmentation, inputSizes }: CheckedOptions,
): Producer {
  const gains = greyWorldGains(images);
  const render =
    native === null || cache.mapped === null
      ? typescriptRenderer(cache, inputSizes)
      : nativeRenderer(cache.mapped, native, inputSizes);
  const viewOf = ({ index, occurrence }: Place, epoch: number): View => {
    const { sample, copy } = rows[index];
    if (copy > 0) {
      return drawView(copyAugmentation, seededRandom(seedOf(seed, COPY, sample, copy)), gains);
    }
    if (augmentation === null) return IDENTITY;
    return drawView(augmentation, seededRandom(seedOf(seed, AUGMENTATION, epoch, index, occurrence)), gains);
  };
  return (places, epoch) =>
    render(
      places.map(({ index }) => images[index]),
      places.map((place) => viewOf(place, epoch)),
    );
}
