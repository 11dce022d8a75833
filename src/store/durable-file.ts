import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { SpikescopeError } from '../errors.ts';

/**
 * A text file whose content is always one complete version, also after power loss: the new text goes to a temporary
 * file, that file is flushed, renamed over the old one, and the folder is flushed too. Without the last step the
 * rename itself may be lost; without the second, a renamed file may turn up empty.
 */
export class DurableTextFile {
  readonly file: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.file = file;
  }

  /** The text, or null where there is no file. @throws SpikescopeError `DOCUMENT_UNREADABLE` */
  async read(): Promise<string | null> {
    try {
      return await readFile(this.file, 'utf8');
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
      throw this.#fault('DOCUMENT_UNREADABLE', 'A document of this device cannot be read', cause);
    }
  }

  /** Resolved once the text is on the medium; writes happen one after the other. @throws SpikescopeError `DOCUMENT_UNWRITABLE` */
  write(text: string): Promise<void> {
    const written = this.#writing.then(() => this.#replace(text));
    this.#writing = written.catch(() => {});
    return written;
  }

  async #replace(text: string): Promise<void> {
    const temporary = `${this.file}.${process.pid}.tmp`;
    try {
      await mkdir(path.dirname(this.file), { recursive: true, mode: 0o700 });
      await writeFlushed(temporary, text);
      await rename(temporary, this.file);
      await flushFolder(path.dirname(this.file));
    } catch (cause) {
      await rm(temporary, { force: true }).catch(() => {});
      throw this.#fault('DOCUMENT_UNWRITABLE', 'A document of this device cannot be written', cause);
    }
  }

  #fault(code: string, message: string, cause: unknown): SpikescopeError {
    return new SpikescopeError(code, message, {
      file: this.file,
      received: cause instanceof Error ? cause.message : String(cause),
      remedy: 'check the permissions and the space of its folder, or give another with --data',
      cause,
    });
  }
}

async function writeFlushed(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
