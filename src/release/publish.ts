import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { Metadata, MetaFile, Snapshot, Timestamp } from '@tufjs/models';
import { RefusedError } from '../errors.ts';
import { FolderSource } from '../updates/source/folder.ts';
import type { Opened, Source } from '../updates/source/source.ts';
import { ISSUED } from '../updates/trust/floors.ts';
import { Refresh } from '../updates/trust/refresh.ts';
import { SPECIFICATION } from './drafts.ts';
import { expiryOf, instant } from './expiry.ts';
import { quorumsOf, requireQuorum } from './signatures.ts';
import type { Signer } from './signer.ts';
import { serialised, type Workspace, writeDurable } from './workspace.ts';

export interface Published {
  /** Versions by role. */
  readonly versions: Readonly<Record<string, number>>;
  /** When the timestamp ends: before that somebody must publish again. */
  readonly expires: string;
}

export interface PublishOptions {
  readonly signers: readonly Signer[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Days for which the timestamp is good. */
  readonly validDays?: number;
}

/**
 * Publishes all drafts with a new snapshot and timestamp. First a device of its own takes the repository as it would be:
 * what devices would refuse is not published. The timestamp comes last, so that a reader sees the state before or after.
 * @throws RefusedError `RELEASE_UNSIGNED`, `TRUST_*` @throws SpikescopeError `REPOSITORY_UNWRITABLE`
 */
export async function publish(workspace: Workspace, options: PublishOptions): Promise<Published> {
  const files = new Map<string, Uint8Array>();
  const meta: Record<string, MetaFile> = {};
  for (const role of workspace.drafts()) {
    const draft = workspace.draft(role);
    if (draft === null) continue;
    requireQuorum(quorumsOf(workspace, role, draft));
    files.set(`${draft.signed.version}.${role}.json`, serialised(draft));
  }
  for (const role of await targetsRoles(workspace)) {
    const metadata = workspace.newest(role);
    if (metadata !== null) meta[`${role}.json`] = metaOf(metadata.signed.version, serialised(metadata));
  }
  const { snapshot, timestamp } = sealed(workspace, meta, options);
  files.set(`${snapshot.signed.version}.snapshot.json`, serialised(snapshot));
  files.set('timestamp.json', serialised(timestamp));
  await rehearse(workspace, files, options.now);
  for (const [name, bytes] of files) await writeDurable(path.join(workspace.metadata, name), bytes);
  workspace.removeDrafts();
  const roles = Object.entries(meta).map(([name, { version }]) => [name.slice(0, -5), version] as const);
  const top = {
    root: workspace.publishedVersion('root'),
    timestamp: timestamp.signed.version,
    snapshot: snapshot.signed.version,
  };
  return { versions: { ...top, ...Object.fromEntries(roles) }, expires: timestamp.signed.expires };
}

/** Roles that sign targets, drafts included. */
async function targetsRoles(workspace: Workspace): Promise<string[]> {
  const published = (await readdir(workspace.metadata)).flatMap((name) => {
    const [, role] = /^\d+\.(.+)\.json$/.exec(name) ?? [];
    return role === undefined || role === 'root' || role === 'snapshot' ? [] : [role];
  });
  return [...new Set([...published, ...workspace.drafts().filter((role) => role !== 'root')])];
}

function metaOf(version: number, bytes: Uint8Array): MetaFile {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return new MetaFile({ version, length: bytes.length, hashes: { sha256 } });
}

function sealed(workspace: Workspace, meta: Record<string, MetaFile>, options: PublishOptions) {
  const { now, validDays } = options;
  const snapshot = new Metadata(
    new Snapshot({
      version: workspace.publishedVersion('snapshot') + 1,
      specVersion: SPECIFICATION,
      expires: expiryOf('snapshot', now),
      meta,
    }),
  );
  signOnline(workspace, 'snapshot', snapshot, options);
  const { version } = snapshot.signed;
  const timestamp = new Metadata(
    new Timestamp({
      version: (workspace.publishedTimestamp()?.signed.version ?? 0) + 1,
      specVersion: SPECIFICATION,
      expires: expiryOf('timestamp', now, validDays),
      snapshotMeta: metaOf(version, serialised(snapshot)),
      unrecognizedFields: { [ISSUED]: instant(now) },
    }),
  );
  signOnline(workspace, 'timestamp', timestamp, options);
  return { snapshot, timestamp };
}

/** @throws RefusedError `RELEASE_UNSIGNED` */
function signOnline(
  workspace: Workspace,
  name: 'snapshot' | 'timestamp',
  metadata: Metadata<Snapshot> | Metadata<Timestamp>,
  { signers }: PublishOptions,
): void {
  const root = workspace.newest('root')?.signed;
  const role = root?.roles[name];
  const allowed = signers.filter(({ key }) => role?.keyIDs.includes(key.keyID));
  for (const signer of allowed) metadata.sign((bytes) => signer.sign(bytes));
  if (role === undefined || allowed.length >= role.threshold) return;
  throw new RefusedError('RELEASE_UNSIGNED', 'A document is not signed by enough keys', {
    field: name,
    expected: `${role.threshold} of the keys ${role.keyIDs.map((id) => id.slice(0, 16)).join(', ')}`,
    received: `${allowed.length}`,
    remedy: 'give the online key with --key',
  });
}

/** Takes the repository as it would be, as a device does that begins with its first root. */
async function rehearse(
  workspace: Workspace,
  files: ReadonlyMap<string, Uint8Array>,
  now: number,
): Promise<void> {
  const source = new Overlay(new FolderSource(workspace.public), files);
  const anchor = files.get('1.root.json') ?? (await firstRoot(workspace));
  const timeAt = () => new Date(now);
  const refresh = new Refresh({ source, anchor, kept: new Map(), floors: null, timeAt });
  await refresh.run();
  for (const role of Object.keys(refresh.set.targetsOf('targets')?.delegations?.roles ?? {})) {
    await refresh.loadTargets(role, 'targets');
    for (const { path: name, hashes } of Object.values(refresh.set.targetsOf(role)?.targets ?? {})) {
      const { dir, base } = path.posix.parse(name);
      const file = path.join(workspace.targets, dir, `${Object.values(hashes)[0]}.${base}`);
      if (existsSync(file)) continue;
      throw new RefusedError('RELEASE_FILE', 'A target that is signed is not in the repository', {
        file,
        remedy: 'put it back, or add it again',
      });
    }
  }
}

async function firstRoot(workspace: Workspace): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  for await (const piece of createReadStream(path.join(workspace.metadata, '1.root.json')))
    pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A repository with files over it that are not written yet. */
class Overlay implements Source {
  readonly kind = 'folder';
  readonly #below: Source;
  readonly #files: ReadonlyMap<string, Uint8Array>;

  constructor(below: Source, files: ReadonlyMap<string, Uint8Array>) {
    this.#below = below;
    this.#files = files;
  }

  describe(): string {
    return this.#below.describe();
  }

  async open(name: readonly string[], from: number): Promise<Opened | null> {
    const bytes = name[0] === 'metadata' ? this.#files.get(name[1]) : undefined;
    if (bytes === undefined) return this.#below.open(name, from);
    return { from, pieces: once(bytes.subarray(from)) };
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
