import { type FSWatcher, watch } from 'node:fs';
import { makeFolder } from '../../../make-folder.ts';
import type { UpdateState } from '../../../telehealth/update.ts';
import { readInstalled } from '../../../updates/installed-view.ts';
import { readProgress, type UpdateOperation } from '../../../updates/progress.ts';
import { updatesFolder } from '../../../updates/trust/kept-metadata.ts';
import { isUnderWay } from '../../../updates/updates.ts';

/** Milliseconds from a change to the look at it: several come at once. */
const PAUSE = 500;
/** Milliseconds between two looks while an update is under way, whose process may end without a word. */
const WATCHED = 5_000;

/**
 * What other processes do to this device: the update that is under way or was the last, and what is installed. The kernel
 * says when their files change, so that an idle device sleeps.
 */
export class UpdateWatch {
  readonly #data: string;
  readonly #listeners = new Set<() => void>();
  #state: UpdateState = { operation: null, installed: null };
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** When the next look is due, monotonic milliseconds. */
  #due = Infinity;
  #looking: Promise<void> = Promise.resolve();

  constructor(data: string) {
    this.#data = data;
  }

  get state(): UpdateState {
    return this.#state;
  }

  get isUnderWay(): boolean {
    const { operation } = this.#state;
    return operation !== null && operation.outcome === null;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolved after the first look. A folder that cannot be watched is looked at no more. */
  async start(): Promise<void> {
    try {
      const folder = updatesFolder(this.#data);
      makeFolder(folder, 0o700);
      this.#watcher = watch(folder, { persistent: false }, () => this.#lookIn(PAUSE));
      this.#watcher.on('error', () => {});
    } catch {
      // What is there now is told all the same.
    }
    await this.#look();
  }

  async stop(): Promise<void> {
    this.#watcher?.close();
    this.#watcher = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#listeners.clear();
    await this.#looking;
  }

  /** Sooner than a look that is due later; one that is due sooner stays. */
  #lookIn(milliseconds: number): void {
    const due = performance.now() + milliseconds;
    if (this.#due <= due) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#due = Infinity;
      this.#looking = this.#looking.then(() => this.#look());
    }, milliseconds);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const state = {
      operation: await settledOperation(this.#data),
      installed: await readInstalled(this.#data),
    };
    const isNew = JSON.stringify(state) !== JSON.stringify(this.#state);
    this.#state = state;
    if (this.#watcher !== null && this.isUnderWay) this.#lookIn(WATCHED);
    if (isNew) for (const listener of [...this.#listeners]) listener();
  }
}

/**
 * The update that is under way or was the last. One of which nothing was said to its end, and at which no process works, was
 * cut off. A process says how it ends before it lets go: what was said is read again once nobody holds on.
 */
async function settledOperation(data: string): Promise<UpdateOperation | null> {
  const first = await readProgress(data);
  if (first === null || first.outcome !== null || isUnderWay(data)) return first;
  const last = await readProgress(data);
  if (last === null || last.id !== first.id || last.outcome !== null) return last;
  return { ...last, outcome: 'interrupted' };
}
