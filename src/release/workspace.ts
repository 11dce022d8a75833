import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Metadata, type Root, type Snapshot, type Targets, type Timestamp } from '@tufjs/models';
import { MetadataKind } from '@tufjs/models/dist/base.js';
import { RefusedError, reasonOf, SpikescopeError, UsageError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { replaceDurably, writeFlushed } from '../store/durable-file.ts';
import { TrustError, trustFault } from '../updates/trust/faults.ts';
import { checkForm } from '../updates/trust/form.ts';

/** Roles whose documents people sign: those that `publish` makes anew each time are not among them. */
export type DraftRole = string;
export type DraftMetadata = Metadata<Root> | Metadata<Targets>;

/**
 * A repository while it is worked on: `public/` is what any static web server or a stick carries, `draft/` what is not
 * published yet. Nobody needs anything but keys to go on with it on another machine.
 */
export class Workspace {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws UsageError `REPOSITORY_EXISTS`, `REPOSITORY_FOLDER` */
  static create(folder: string): Workspace {
    const workspace = new Workspace(folder);
    if (workspace.#names(folder).length > 0) {
      throw new UsageError('REPOSITORY_EXISTS', 'There is something in this folder already', {
        file: folder,
        expected: 'a new or an empty folder',
        remedy: 'name another folder',
      });
    }
    for (const each of [workspace.#draft, workspace.metadata, workspace.targets]) makeFolder(each);
    return workspace;
  }

  /** @throws UsageError `REPOSITORY_FOLDER` */
  static open(folder: string): Workspace {
    const workspace = new Workspace(folder);
    if (workspace.#names(folder).includes('public')) return workspace;
    throw new UsageError('REPOSITORY_FOLDER', 'There is no repository in this folder', {
      file: folder,
      expected: 'a folder with public/ in it',
      remedy: 'make one with `spikescope provision repository init`',
    });
  }

  get public(): string {
    return path.join(this.folder, 'public');
  }

  get metadata(): string {
    return path.join(this.public, 'metadata');
  }

  get targets(): string {
    return path.join(this.public, 'targets');
  }

  get #draft(): string {
    return path.join(this.folder, 'draft');
  }

  /** Roles that have a draft. */
  drafts(): DraftRole[] {
    return this.#names(this.#draft)
      .filter((name) => name.endsWith('.json'))
      .map((name) => name.slice(0, -'.json'.length));
  }

  /** What will be published of a role, or was: the draft where there is one; null for a role that is not there. */
  newest(role: 'root'): Metadata<Root> | null;
  newest(role: string): Metadata<Targets> | null;
  newest(role: string): DraftMetadata | null {
    return this.draft(role) ?? this.published(role);
  }

  draft(role: 'root'): Metadata<Root> | null;
  draft(role: string): Metadata<Targets> | null;
  draft(role: string): DraftMetadata | null {
    return this.drafts().includes(role) ? read(path.join(this.#draft, `${role}.json`), role) : null;
  }

  /** The newest published version of a role. */
  published(role: 'root'): Metadata<Root> | null;
  published(role: string): Metadata<Targets> | null;
  published(role: string): DraftMetadata | null {
    const version = this.publishedVersion(role);
    return version === 0 ? null : read(path.join(this.metadata, `${version}.${role}.json`), role);
  }

  /** 0 before the first. */
  publishedVersion(role: string): number {
    const versions = this.#names(this.metadata).map((name) => {
      const [, version, named] = /^(\d+)\.(.+)\.json$/.exec(name) ?? [];
      return named === role ? Number(version) : 0;
    });
    return Math.max(0, ...versions);
  }

  publishedSnapshot(): Metadata<Snapshot> | null {
    const version = this.publishedVersion('snapshot');
    if (version === 0) return null;
    const file = path.join(this.metadata, `${version}.snapshot.json`);
    return guarded(file, () => Metadata.fromJSON(MetadataKind.Snapshot, parse(file)));
  }

  publishedTimestamp(): Metadata<Timestamp> | null {
    const file = path.join(this.metadata, 'timestamp.json');
    if (!this.#names(this.metadata).includes('timestamp.json')) return null;
    return guarded(file, () => Metadata.fromJSON(MetadataKind.Timestamp, parse(file)));
  }

  /** @throws SpikescopeError `REPOSITORY_UNWRITABLE` */
  async saveDraft(role: string, metadata: DraftMetadata): Promise<void> {
    await writeDurable(path.join(this.#draft, `${role}.json`), serialised(metadata));
  }

  removeDrafts(): void {
    for (const role of this.drafts()) rmSync(path.join(this.#draft, `${role}.json`));
  }

  #names(folder: string): string[] {
    try {
      return readdirSync(folder);
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
      throw new UsageError('REPOSITORY_FOLDER', 'The folder of the repository cannot be read', {
        file: folder,
        received: reasonOf(cause),
        cause,
      });
    }
  }
}

export function serialised(metadata: Metadata<Root | Targets | Snapshot | Timestamp>): Buffer {
  return Buffer.from(`${JSON.stringify(metadata.toJSON(), null, 1)}\n`);
}

function read(file: string, role: string): DraftMetadata {
  return guarded(file, () => {
    const document = parse(file);
    return role === 'root'
      ? Metadata.fromJSON(MetadataKind.Root, document)
      : Metadata.fromJSON(MetadataKind.Targets, document);
  });
}

function parse(file: string) {
  const bytes = readFileSync(file);
  checkForm(bytes, file);
  return JSON.parse(bytes.toString('utf8'));
}

function guarded<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const fault = trustFault(error, file);
    if (!(fault instanceof TrustError)) throw fault;
    throw new RefusedError('REPOSITORY_METADATA', 'Metadata of the repository cannot be read', {
      file,
      received: fault.details.received ?? fault.message,
      remedy: 'put back a copy of the repository',
      cause: error,
    });
  }
}

/** The whole content or none of it, on the medium when resolved. @throws SpikescopeError `REPOSITORY_UNWRITABLE` */
export async function writeDurable(file: string, content: Uint8Array): Promise<void> {
  try {
    makeFolder(path.dirname(file));
    await replaceDurably(file, `${file}.${process.pid}.tmp`, (fresh) => writeFlushed(fresh, content, 0o644));
  } catch (cause) {
    throw new SpikescopeError('REPOSITORY_UNWRITABLE', 'The repository cannot be written', {
      file,
      received: reasonOf(cause),
      remedy: 'check the permissions and the space of its folder',
      cause,
    });
  }
}
