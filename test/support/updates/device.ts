import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SpikescopeError } from '../../../src/errors.ts';
import { Journal } from '../../../src/store/journal.ts';
import type { Source } from '../../../src/updates/source/source.ts';
import { sha256 } from '../../../src/updates/trust/floors.ts';
import { KeptMetadata, updatesFolder } from '../../../src/updates/trust/kept-metadata.ts';
import { type Outcome, type Repository, Updates, type UseOptions } from '../../../src/updates/updates.ts';
import { NOW, type Simulator } from './simulator.ts';

/** A device with a data folder, a journal and a clock of its own. */
export class TestDevice {
  readonly data = mkdtempSync(path.join(tmpdir(), 'updates-'));
  now = NOW;
  root: Uint8Array | undefined;
  journal = Journal.open(path.join(this.data, 'journal.sqlite'));

  constructor(root?: Uint8Array) {
    this.root = root;
  }

  static of(simulator: Simulator): TestDevice {
    return new TestDevice(simulator.bytes('root', 0));
  }

  async use<T>(
    source: Source,
    work: (repository: Repository) => Promise<T>,
    options: UseOptions = {},
  ): Promise<Outcome<T>> {
    const updates = await Updates.open({
      data: this.data,
      journal: this.journal,
      ...(this.root && { root: this.root }),
      by: 'technician',
      now: () => this.now,
    });
    try {
      return await updates.use(source, work, options);
    } finally {
      updates.close();
    }
  }

  /** The code of what refuses a refresh; otherwise its outcome. */
  async refresh(source: Source, options: UseOptions = {}): Promise<string> {
    return this.#codeOf(() => this.use(source, async () => {}, options).then(({ outcome }) => outcome));
  }

  /** The content of a target; otherwise the code of what refuses it. */
  async download(source: Source, name: string): Promise<Uint8Array | string> {
    return this.#codeOf(async () => {
      const outcome = await this.use(source, async (repository) =>
        readFileSync(await repository.fetch(await repository.target(name))),
      );
      return outcome.outcome === 'trusted' ? outcome.result : outcome.outcome;
    });
  }

  async #codeOf<T>(action: () => Promise<T>): Promise<T | string> {
    try {
      return await action();
    } catch (error) {
      if (error instanceof SpikescopeError) return error.code;
      throw error;
    }
  }

  /** Versions of the documents that are kept, by role. */
  async versions(): Promise<Record<string, number>> {
    const documents = await this.kept();
    const versionOf = (bytes: Uint8Array): number =>
      JSON.parse(Buffer.from(bytes).toString('utf8')).signed.version;
    return Object.fromEntries([...documents].map(([role, bytes]) => [role, versionOf(bytes)]));
  }

  async kept(): Promise<ReadonlyMap<string, Uint8Array>> {
    const { kept } = await new KeptMetadata(updatesFolder(this.data)).read();
    return kept?.roles ?? new Map();
  }

  /** What provisioning has written into the journal, oldest first. */
  events(): Record<string, unknown>[] {
    return [...this.journal.records()]
      .filter(({ kind }) => kind === 'provision')
      .map(({ payload }) => JSON.parse(payload));
  }

  /** Digests of all that provisioning has on the disk, by name. */
  files(): Record<string, string> {
    const folder = updatesFolder(this.data);
    if (!existsSync(folder)) return {};
    const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    return Object.fromEntries(
      names.map(({ parentPath, name }) => {
        const file = path.join(parentPath, name);
        return [path.relative(folder, file), sha256(readFileSync(file))];
      }),
    );
  }

  /** Loses what is kept of the metadata, and not the journal. */
  loseMetadata(): void {
    rmSync(path.join(updatesFolder(this.data), 'metadata.json'), { force: true });
  }

  end(): void {
    this.journal.close();
    rmSync(this.data, { recursive: true, force: true });
  }
}
