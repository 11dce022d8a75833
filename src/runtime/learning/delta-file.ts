/**
 * The learned heads in the data folder: one file for each bundle, `head-<12 hex of its digest>.spikescope-delta`, which
 * waits there while another bundle is in use. A change of the head is one value in three steps, and the journal decides:
 *
 *   1. prepare   the new state is on the medium as `….next`; the head in use is the old one
 *   2. record    the journal has the change, in one commit; from here on the new head is the head
 *   3. activate  `….next` takes the name of the file
 *
 * A step that fails before the commit leaves the old head in use, in memory and after a new start, and `….next` is
 * withdrawn: renamed to `….withdrawn`. At the next start a `….next` whose record is in the journal is activated, any other
 * is removed. A commit that failed may all the same turn up in the journal after a power cut, since its bytes may have
 * reached the medium: then `….withdrawn` says what it was, and a record of the kind `undo`, by `recovery`, takes it back. So
 * every head that reads is named by a record, whatever was cut off.
 */
import { access, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { RefusedError, reasonOf, SpikescopeError } from '../../errors.ts';
import { DurableFile, flushFolder } from '../../store/durable-file.ts';
import { bundleOf, LARGEST_FILE, ofAnotherBundle } from './state-file.ts';

/** Where the only learned head lay before each bundle had its own. */
const FORMER_NAME = 'head.spikescope-delta';
const NAME = /^head-[0-9a-f]{12}\.spikescope-delta$/;

/** @param bundle digest of the bundle, hexadecimal */
export function deltaName(bundle: string): string {
  return `head-${bundle.slice(0, 12)}.spikescope-delta`;
}

/** Called with what was wrong, and where the file lies now; null where it was left in its place. */
export type OnSetAside = (fault: SpikescopeError, movedTo: string | null) => void;

export class DeltaFile {
  readonly file: string;
  readonly #folder: string;
  readonly #bundle: string;
  readonly #next: DurableFile;
  readonly #withdrawn: string;
  readonly #onSetAside: OnSetAside;
  #isUnactivated = false;

  constructor(folder: string, bundle: string, onSetAside: OnSetAside) {
    this.file = path.join(folder, deltaName(bundle));
    this.#folder = folder;
    this.#bundle = bundle;
    this.#next = new DurableFile(`${this.file}.next`);
    this.#withdrawn = `${this.file}.withdrawn`;
    this.#onSetAside = onSetAside;
  }

  /**
   * Resolved once it is on the medium, where a change before it is then in use too.
   * @throws SpikescopeError `DOCUMENT_UNWRITABLE`
   */
  async prepare(content: Uint8Array): Promise<void> {
    if (this.#isUnactivated) await this.activate();
    await this.#next.write(content);
  }

  /** @throws SpikescopeError `DOCUMENT_UNWRITABLE`: then the next `prepare`, or the next start, tries again */
  async activate(): Promise<void> {
    this.#isUnactivated = true;
    await this.#attempt(() => rename(this.#next.file, this.file), 'WRITABLE');
    await this.#attempt(() => flushFolder(this.#folder), 'WRITABLE');
    this.#isUnactivated = false;
  }

  /** Puts what was prepared out of the way. */
  async withdraw(): Promise<void> {
    // Where this fails, what was prepared is replaced by the next change, or judged by the journal at the next start.
    await rename(this.#next.file, this.#withdrawn).catch(() => {});
    await flushFolder(this.#folder).catch(() => {});
  }

  /**
   * Ends what a cut left half done.
   * @param prepared whether the journal has the change that led to this content
   * @param withdrawn takes the change back that led to this content, where the journal has it
   * @throws SpikescopeError `DOCUMENT_*`, and as the two
   */
  async settle(
    prepared: (content: Uint8Array) => boolean,
    withdrawn: (content: Uint8Array) => void,
  ): Promise<void> {
    await this.#next.removeLeftovers();
    await this.answer(withdrawn);
    await this.forgetWithdrawn();
    await this.#orSetAside(this.#next.file, async (content) => {
      if (prepared(content)) await this.activate();
      else await this.#remove(this.#next.file);
    });
  }

  /** Gives what was withdrawn, where something was, to be answered in the journal. @throws SpikescopeError `DOCUMENT_*` */
  async answer(withdrawn: (content: Uint8Array) => void): Promise<void> {
    await this.#orSetAside(this.#withdrawn, async (content) => withdrawn(content));
  }

  /** For when its record cannot turn up in the journal any more. @throws SpikescopeError `DOCUMENT_UNWRITABLE` */
  async forgetWithdrawn(): Promise<void> {
    await this.#remove(this.#withdrawn);
  }

  /**
   * The content; null where nothing was learned with this bundle.
   * @throws SpikescopeError `DOCUMENT_UNREADABLE`, `DELTA_SIZE`
   */
  read(): Promise<Uint8Array | null> {
    return this.#read(this.file);
  }

  /** Gives a file that has the name of before the one of its bundle. @throws SpikescopeError `DOCUMENT_*` */
  async adoptFormer(): Promise<void> {
    const former = path.join(this.#folder, FORMER_NAME);
    await new DurableFile(former).removeLeftovers();
    await this.#orSetAside(former, async (content) => {
      const bundle = bundleOf(content, former);
      const file = path.join(this.#folder, deltaName(bundle));
      if (await exists(file)) throw isSuperseded(former, file);
      await this.#attempt(() => rename(former, file), 'WRITABLE');
      await this.#attempt(() => flushFolder(this.#folder), 'WRITABLE');
      if (bundle !== this.#bundle) this.#onSetAside(ofAnotherBundle(former, bundle, this.#bundle), file);
    });
  }

  /** Moves what cannot be used out of the way; nothing of it is deleted. */
  async setAside(fault: RefusedError): Promise<void> {
    this.#onSetAside(fault, await setAside(this.file));
  }

  /** Does something with a file where there is one, and moves it out of the way when it cannot be used. */
  async #orSetAside(file: string, action: (content: Uint8Array) => Promise<void>): Promise<void> {
    try {
      const content = await this.#read(file);
      if (content !== null) await action(content);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      this.#onSetAside(error, await setAside(file));
    }
  }

  async #remove(file: string): Promise<void> {
    await this.#attempt(() => rm(file, { force: true }), 'WRITABLE');
  }

  async #read(file: string): Promise<Uint8Array | null> {
    return this.#attempt(async () => {
      if (!(await exists(file))) return null;
      const handle = await open(file, 'r');
      try {
        const stat = await handle.stat();
        if (!stat.isFile() || stat.size > LARGEST_FILE) throw isTooLarge(file, stat.size);
        return await handle.readFile();
      } finally {
        await handle.close();
      }
    }, 'READABLE');
  }

  async #attempt<T>(action: () => Promise<T>, what: 'READABLE' | 'WRITABLE'): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      if (cause instanceof SpikescopeError) throw cause;
      throw new SpikescopeError(
        `DOCUMENT_UN${what}`,
        `The learned head cannot be ${what === 'READABLE' ? 'read' : 'written'}`,
        {
          file: this.file,
          received: reasonOf(cause),
          remedy: 'check the permissions and the space of its folder',
          cause,
        },
      );
    }
  }
}

/** Names of the learned heads that wait in a folder for their bundle to return. */
export async function headsOfOtherBundles(folder: string, bundle: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => NAME.test(name) && name !== deltaName(bundle)).sort();
}

async function setAside(file: string): Promise<string | null> {
  for (let number = 1; number < 10_000; number++) {
    const name = `${file}.refused-${number}`;
    if (await exists(name)) continue;
    return rename(file, name).then(
      () => name,
      () => null,
    );
  }
  return null;
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

function isTooLarge(file: string, size: number): RefusedError {
  return new RefusedError('DELTA_SIZE', 'This cannot be a learned head', {
    file,
    expected: `a file of at most ${LARGEST_FILE} bytes`,
    received: `${size} bytes`,
    remedy: 'the device goes on with the factory head and learns anew',
  });
}

function isSuperseded(former: string, file: string): RefusedError {
  return new RefusedError('DELTA_SUPERSEDED', 'There is a newer learned head for the same model', {
    file: former,
    received: file,
    remedy: 'to use the older one, give it the name of the newer one',
  });
}
