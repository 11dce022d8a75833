import { open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { mapConcurrently } from '../../../concurrently.ts';
import { reasonOf, SpikescopeError, systemCodeOf } from '../../../errors.ts';
import { makeFolder } from '../../../make-folder.ts';
import { decodeImage } from '../../../preprocess/decode.ts';
import { type Entry, HEADER_BYTES, headerOf, type Index, PADDING_BYTES } from './cache-file.ts';
import { type Geometry, shaped } from './geometry.ts';
import type { Source } from './sources.ts';

/**
 * Decodes all images into a new cache file; the file appears, complete, under its name at the end. Images that do not
 * decode are entered as such.
 * @param onImage called once per image
 * @throws SpikescopeError `TRAINING_CACHE_UNWRITABLE`
 */
export async function buildCache(
  file: string,
  digest: string,
  sources: readonly Source[],
  geometry: Geometry,
  onImage: () => void,
): Promise<void> {
  const temporary = `${file}.${process.pid}.${crypto.randomUUID()}.tmp`;
  try {
    makeFolder(path.dirname(file));
    await removeAbandoned(file);
    await writeCache(temporary, digest, sources, geometry, onImage);
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    if (cause instanceof SpikescopeError) throw cause;
    throw new SpikescopeError('TRAINING_CACHE_UNWRITABLE', 'The cache of decoded images cannot be written', {
      file,
      received: reasonOf(cause),
      remedy: 'check the permissions and the space of its folder, or name another folder',
      cause,
    });
  }
}

/** What processes left behind that ended while they decoded; a temporary file bears its process's number. */
async function removeAbandoned(file: string): Promise<void> {
  const prefix = `${path.basename(file)}.`;
  for (const name of await readdir(path.dirname(file))) {
    const owner = Number(name.slice(prefix.length).split('.', 1)[0]);
    if (!name.startsWith(prefix) || !name.endsWith('.tmp') || isRunning(owner)) continue;
    await rm(path.join(path.dirname(file), name), { force: true });
  }
}

function isRunning(processNumber: number): boolean {
  try {
    process.kill(processNumber, 0);
    return true;
  } catch (error) {
    // Someone else's process may not be asked, but is there.
    return systemCodeOf(error) === 'EPERM';
  }
}

async function writeCache(
  file: string,
  digest: string,
  sources: readonly Source[],
  geometry: Geometry,
  onImage: () => void,
): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    let end = HEADER_BYTES;
    const entries = await mapConcurrently(sources, async ({ file: image }): Promise<Entry> => {
      try {
        const { rgb, width, height } = shaped(await decodeImage(image), geometry);
        const offset = end;
        end += Math.ceil((rgb.length + PADDING_BYTES) / 64) * 64;
        await writeFully(handle, rgb, offset);
        return { offset, width, height, crc: crc32(rgb), mean: meanOf(rgb) };
      } catch (error) {
        if (!(error instanceof SpikescopeError) || !error.code.startsWith('IMAGE_')) throw error;
        return { code: error.code, message: error.describe() };
      } finally {
        onImage();
      }
    });
    const index = Buffer.from(JSON.stringify({ digest, entries } satisfies Index));
    await writeFully(handle, index, end);
    await handle.datasync();
    await writeFully(handle, headerOf(end, index), 0);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

type Handle = Awaited<ReturnType<typeof open>>;

/** A single write may take less than it was given. */
async function writeFully(handle: Handle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

function meanOf(rgb: Uint8Array): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  for (let at = 0; at < rgb.length; at += 3) {
    sums[0] += rgb[at];
    sums[1] += rgb[at + 1];
    sums[2] += rgb[at + 2];
  }
  const pixels = rgb.length / 3;
  return [sums[0] / pixels, sums[1] / pixels, sums[2] / pixels];
}
