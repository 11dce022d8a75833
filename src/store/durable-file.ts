import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { reasonOf, SpikescopeError, systemCodeOf } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';

/**
 * A file whose content is always one complete version, also after power loss: the new content goes to a temporary
 * file, that file is flushed, renamed over the old one, and the folder is flushed too. Without the last step the
 * rename itself may be lost; without the second, a renamed file may turn up empty.
 */
export class DurableFile {
  readonly file: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.file = file;
  }

  /** The text, or null where there is no file. @throws SpikescopeError `DOCUMENT_UNREADABLE` */
  async read(): Promise<string | null> {
    return (await this.readBytes())?.toString('utf8') ?? null;
  }

  /** The bytes, or null where there is no file. @throws SpikescopeError `DOCUMENT_UNREADABLE` */
  async readBytes(): Promise<Buffer | null> {
    try {
      return await readFile(this.file);
    } catch (cause) {
      if (systemCodeOf(cause) === 'ENOENT') return null;
      throw this.#fault('DOCUMENT_UNREADABLE', 'A document of this device cannot be read', cause);
    }
  }

  /**
   * Resolved once the content is on the medium; writes happen one after the other.
   * @throws SpikescopeError `DOCUMENT_UNWRITABLE`
   */
  write(content: string | Uint8Array): Promise<void> {
    const written = this.#writing.then(() => this.#replace(content));
    this.#writing = written.catch(() => {});
    return written;
  }

  /** Deletes what writers left that were ended in the middle of it; only for files that one process alone writes. */
  async removeLeftovers(): Promise<void> {
    const folder = path.dirname(this.file);
    const names = await readdir(folder).catch(() => []);
    const isLeftover = (name: string) =>
      name.startsWith(`${path.basename(this.file)}.`) && name.endsWith('.tmp');
    await Promise.all(names.filter(isLeftover).map((name) => rm(path.join(folder, name), { force: true })));
  }

  async #replace(content: string | Uint8Array): Promise<void> {
    try {
      makeFolder(path.dirname(this.file), 0o700);
      await replaceDurably(this.file, `${this.file}.${process.pid}.tmp`, (fresh) =>
        writeFlushed(fresh, content),
      );
    } catch (cause) {
      throw this.#fault('DOCUMENT_UNWRITABLE', 'A document of this device cannot be written', cause);
    }
  }

  #fault(code: string, message: string, cause: unknown): SpikescopeError {
    return new SpikescopeError(code, message, {
      file: this.file,
      received: reasonOf(cause),
      remedy: 'check the permissions and the space of its folder, or give another with --data',
      cause,
    });
  }
}

/**
 * Puts a new file in the place of one, on the medium when resolved; whatever fails, the old one stays and nothing else does.
 * @param fresh a name beside it, under which `make` writes the new one and flushes it
 */
export async function replaceDurably(
  file: string,
  fresh: string,
  make: (fresh: string) => Promise<void>,
): Promise<void> {
  try {
    await make(fresh);
    await rename(fresh, file);
    await flushFolder(path.dirname(file));
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => {});
    throw error;
  }
}

/** @param mode of a file that is made */
export async function writeFlushed(file: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const handle = await open(file, 'w', mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Puts names that were made, changed or removed in a folder on the medium. */
export async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
