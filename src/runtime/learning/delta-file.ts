import { readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { RefusedError } from '../../errors.ts';
import { DurableFile } from '../../store/durable-file.ts';
import type { LearnedState } from './state.ts';
import { decodeState, encodeState, type Fit } from './state-file.ts';

/** Name of the file in the data folder. */
export const DELTA_FILE = 'head.spikescope-delta';

/** The learned head beside the bundle; replaced whole, so that it is as before an update or as after it. */
export class DeltaFile {
  readonly file: string;
  readonly #fit: Fit;
  readonly #durable: DurableFile;

  constructor(folder: string, fit: Fit) {
    this.file = path.join(folder, DELTA_FILE);
    this.#fit = fit;
    this.#durable = new DurableFile(this.file);
  }

  /**
   * The state on disk, null where there is none. What cannot be used is moved aside, never deleted.
   * @param onSetAside called with what was wrong and where the file lies now
   * @throws SpikescopeError `DOCUMENT_UNREADABLE`
   */
  async read(onSetAside: (fault: RefusedError, movedTo: string) => void): Promise<LearnedState | null> {
    await this.#durable.removeLeftovers();
    const bytes = await this.#durable.readBytes();
    if (bytes === null) return null;
    try {
      return decodeState(bytes, this.file, this.#fit);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      const aside = await this.#freeName();
      await rename(this.file, aside);
      onSetAside(error, aside);
      return null;
    }
  }

  /** Resolved once it is on the medium. @throws SpikescopeError `DOCUMENT_UNWRITABLE` */
  write(state: LearnedState): Promise<void> {
    return this.#durable.write(encodeState(state, this.#fit.bundle));
  }

  async #freeName(): Promise<string> {
    for (let number = 1; ; number++) {
      const name = `${this.file}.refused-${number}`;
      const isTaken = await readFile(name).then(
        () => true,
        () => false,
      );
      if (!isTaken) return name;
    }
  }
}
