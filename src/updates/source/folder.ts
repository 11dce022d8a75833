import { constants, readlinkSync, realpathSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { RefusedError, reasonOf, type SpikescopeError, systemCodeOf } from '../../errors.ts';
import { type Opened, type Source, sourceFault } from './source.ts';

const PIECE = 65_536;

/**
 * A repository in a plain folder, such as a stick that was mounted read-only. Whoever filled it may be anybody: only the
 * names that the metadata leads to are opened, nothing is listed, no link is followed, nothing but a regular file below this
 * very folder is read, and nothing is ever written.
 */
export class FolderSource implements Source {
  readonly kind = 'folder';
  readonly #folder: string;
  readonly #root: string;

  /** @throws RefusedError `SOURCE_FOLDER` */
  constructor(folder: string) {
    this.#folder = folder;
    try {
      this.#root = realpathSync(folder);
    } catch (cause) {
      throw new RefusedError('SOURCE_FOLDER', 'There is no such folder to take updates from', {
        file: folder,
        received: reasonOf(cause),
        remedy: 'mount the stick, or name the folder that holds metadata/ and targets/',
        cause,
      });
    }
  }

  describe(): string {
    return this.#folder;
  }

  async open(name: readonly string[], from: number): Promise<Opened | null> {
    const file = path.join(this.#root, ...name.map((each) => plain(each, name)));
    let handle: FileHandle;
    try {
      // Without waiting: a named pipe would wait for whoever writes into it.
      handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (cause) {
      const code = systemCodeOf(cause);
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return null;
      if (code === 'ELOOP' || code === 'EMLINK') throw foreign(file, 'a link');
      throw unreadable(file, cause);
    }
    let size: number;
    try {
      const found = await handle.stat();
      if (!found.isFile()) throw foreign(file, 'no regular file');
      size = found.size;
      if (placeOf(handle, file) !== file) throw foreign(file, 'a file that a link leads to');
    } catch (error) {
      await handle.close();
      throw error;
    }
    return { from, size, pieces: piecesOf(handle, file, from) };
  }
}

function unreadable(file: string, cause: unknown): SpikescopeError {
  return sourceFault(
    'SOURCE_UNREADABLE',
    'A file of the repository cannot be read',
    file,
    reasonOf(cause),
    cause,
  );
}

/** One level of a path and no more. */
function plain(name: string, whole: readonly string[]): string {
  if (name !== '' && name !== '.' && name !== '..' && !/[/\0\\]/.test(name)) return name;
  throw foreign(whole.join('/'), 'a name that leads elsewhere');
}

/** Where an open file really lies: the kernel knows, whatever was changed meanwhile. */
function placeOf(handle: FileHandle, file: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${handle.fd}`);
  } catch {
    return realpathSync(file);
  }
}

async function* piecesOf(handle: FileHandle, file: string, from: number): AsyncGenerator<Uint8Array> {
  try {
    for (let at = from; ; ) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(PIECE), 0, PIECE, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (cause) {
    throw unreadable(file, cause);
  } finally {
    await handle.close();
  }
}

function foreign(file: string, received: string): RefusedError {
  return new RefusedError('SOURCE_FOREIGN', 'Only regular files of the repository itself are read', {
    file,
    expected: 'a regular file below the folder',
    received,
    remedy: 'copy the repository again as a whole',
  });
}
