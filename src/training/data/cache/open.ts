/** Decoded images of a data set in one file, built when it is missing, stale or damaged. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { Dataset } from '../../../dataset/dataset.ts';
import { reasonOf, SpikescopeError } from '../../../errors.ts';
import type { RgbFrame } from '../../../frame.ts';
import type { Announcer } from '../announcer.ts';
import type { NativeLoader } from '../native.ts';
import { buildCache } from './build.ts';
import { type Entry, type Index, type Pixels, readIndex } from './cache-file.ts';
import { type Geometry, nameOf } from './geometry.ts';
import { digestOf } from './sources.ts';

export interface PixelCache {
  readonly file: string;
  /** Stands for the decoded images (`digestOf`). */
  readonly digest: string;
  /** In the order of the data set's samples. */
  readonly entries: readonly Entry[];
  /** The whole file in memory; null without the native loader. */
  readonly mapped: Uint8Array | null;
  frame(entry: Pixels): RgbFrame;
  close(): void;
}

/**
 * Opens the cache of a data set and checks the images that are needed. One that is missing, stale or damaged is built
 * anew, and the announcer told why.
 * @param needed places of images in the data set
 * @throws SpikescopeError `TRAINING_CACHE_UNWRITABLE`, `TRAINING_CACHE_DAMAGED` when a new one cannot be read back
 */
export async function openPixelCache(
  dataset: Dataset,
  geometry: Geometry,
  folder: string,
  needed: ReadonlySet<number>,
  native: NativeLoader | null,
  announcer: Announcer,
): Promise<PixelCache> {
  const place = createHash('sha256')
    .update(await realpath(dataset.folder))
    .digest('hex');
  const file = path.join(folder, `${dataset.name}-${place.slice(0, 8)}-${nameOf(geometry)}.pixels`);
  const digest = await digestOf(dataset);
  const opened = await openExisting(file, digest, needed, native);
  if (!('fault' in opened)) return opened;

  announcer.note(`${file}: ${opened.fault}; decoding ${dataset.samples.length} images.`);
  const progress = announcer.progress(`Decoding ${nameOf(geometry)}`, dataset.samples.length);
  try {
    await buildCache(file, digest, dataset.samples, geometry, () => progress.advance());
  } finally {
    progress.stop();
  }
  const built = await openExisting(file, digest, needed, native);
  if (!('fault' in built)) return built;
  throw new SpikescopeError('TRAINING_CACHE_DAMAGED', 'The new cache of decoded images cannot be read back', {
    file,
    received: built.fault,
    remedy: 'check the storage medium, or name another folder',
  });
}

async function openExisting(
  file: string,
  digest: string,
  needed: ReadonlySet<number>,
  native: NativeLoader | null,
): Promise<PixelCache | { readonly fault: string }> {
  try {
    await access(file);
  } catch {
    return { fault: 'not there yet' };
  }
  try {
    const index = await readIndex(file);
    if ('fault' in index) return index;
    if (index.digest !== digest) return { fault: 'images have changed since it was made' };
    const cache = native === null ? readingCache(file, index) : mappedCache(file, index, native);
    for (const place of needed) {
      const entry = index.entries[place];
      if (!('crc' in entry) || crc32(cache.frame(entry).rgb) === entry.crc) continue;
      cache.close();
      return { fault: `image ${place + 1} in it is damaged` };
    }
    return cache;
  } catch (error) {
    return { fault: reasonOf(error) };
  }
}

function mappedCache(file: string, { digest, entries }: Index, native: NativeLoader): PixelCache {
  const mapped = native.mapFile(file);
  return {
    file,
    digest,
    entries,
    mapped,
    frame: ({ offset, width, height }) => ({
      rgb: mapped.subarray(offset, offset + width * height * 3),
      width,
      height,
    }),
    close() {},
  };
}

function readingCache(file: string, { digest, entries }: Index): PixelCache {
  const descriptor = openSync(file, 'r');
  return {
    file,
    digest,
    entries,
    mapped: null,
    frame({ offset, width, height }) {
      const rgb = new Uint8Array(width * height * 3);
      readSync(descriptor, rgb, 0, rgb.length, offset);
      return { rgb, width, height };
    },
    close: () => closeSync(descriptor),
  };
}
