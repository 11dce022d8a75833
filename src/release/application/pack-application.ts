import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createBrotliCompress } from 'node:zlib';
import { Header, Pack, ReadEntry } from 'tar';
import { reasonOf, SpikescopeError } from '../../errors.ts';
import { replaceDurably } from '../../store/durable-file.ts';
import type { ApplicationFile } from './application-files.ts';

/** A window of 16 MiB, which the device must hold: what card programs share lies megabytes apart. */
const WINDOW = 24;
/** Of 11: above it, minutes for a few per cent. */
const QUALITY = 5;

/**
 * Writes the files of an application into one archive, `.tar.br`. Of the same files it is always the same: they come by
 * name, are nobody's, of 1970, and have no rights but reading and running.
 * @throws SpikescopeError `APPLICATION_UNWRITABLE`
 */
export async function packApplication(
  files: readonly ApplicationFile[],
  out: string,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<void> {
  try {
    await replaceDurably(out, `${out}.tmp`, async (fresh) => {
      const pack = new Pack({ portable: true });
      const compress = createBrotliCompress({
        params: {
          [constants.BROTLI_PARAM_QUALITY]: QUALITY,
          [constants.BROTLI_PARAM_LGWIN]: WINDOW,
        },
      });
      const written = pipeline(Readable.from(pack), compress, createWriteStream(fresh, { flush: true }));
      await Promise.all([addAll(pack, files, onProgress), written]);
    });
  } catch (cause) {
    throw new SpikescopeError('APPLICATION_UNWRITABLE', 'The application cannot be written', {
      file: out,
      received: reasonOf(cause),
      remedy: 'check the permissions and the space of its folder',
      cause,
    });
  }
}

async function addAll(
  pack: Pack,
  files: readonly ApplicationFile[],
  onProgress: (done: number, of: number) => void,
): Promise<void> {
  for (const [index, { name, source, isExecutable }] of files.entries()) {
    const content = await readFile(source);
    const header = new Header({
      path: name,
      mode: isExecutable ? 0o755 : 0o644,
      size: content.length,
      type: 'File',
      mtime: new Date(0),
    });
    const entry = new ReadEntry(header);
    const hasRoom = pack.write(entry);
    entry.end(padded(content));
    if (!hasRoom) await once(pack, 'drain');
    onProgress(index + 1, files.length);
  }
  pack.end();
}

/** Entries are made of blocks. */
function padded(content: Buffer): Buffer {
  const rest = content.length % 512;
  return rest === 0 ? content : Buffer.concat([content, Buffer.alloc(512 - rest)]);
}
