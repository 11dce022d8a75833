import { createHash } from 'node:crypto';
import { Key, Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp } from '@tufjs/models';
import { Delegations } from '@tufjs/models/dist/delegations.js';
import { DelegatedRole, Role } from '@tufjs/models/dist/role.js';
import { newKey, type Signer, signerOf } from '../../../src/release/signer.ts';
import type { Opened, Source } from '../../../src/updates/source/source.ts';

const DAY = 86_400_000;
/** A time after all that the journal of a test will have recorded. */
export const NOW = (Math.floor(Date.now() / DAY) + 200) * DAY;
export const daysFromNow = (days: number) => new Date(NOW + days * DAY).toISOString().replace(/\.\d+/, '');
const SPEC = { specVersion: '1.0.31' };

type Signed = Root | Timestamp | Snapshot | Targets;

export const newSigner = (): Signer => {
  const { privateKey, publicHex } = newKey();
  return signerOf(privateKey, publicHex);
};

/** A list that a test changes: of what is not yet signed. */
type Writable<T> = { -readonly [Name in keyof T]: T[Name] };
export const open = <T>(value: T): Writable<T> => value as Writable<T>;

/** A delegation as tests write it. */
export interface Delegation {
  readonly name: string;
  readonly paths?: string[];
  readonly terminating?: boolean;
  readonly threshold?: number;
}

/**
 * A repository in memory that can be as wrong as one likes: what it signs is changed freely, and `publish` signs and
 * stores a version. Serves as a source, and notes what was asked for.
 */
export class Simulator implements Source {
  kind: Source['kind'] = 'http';
  readonly signers = new Map<string, Map<string, Signer>>();
  readonly root: Root;
  readonly timestamp: Timestamp;
  readonly snapshot: Snapshot;
  readonly targets: Targets;
  readonly delegated = new Map<string, Targets>();
  /** Signed versions by role, oldest first. */
  readonly signed = new Map<string, Uint8Array[]>();
  readonly artifacts = new Map<string, Uint8Array>();
  readonly requests: string[] = [];
  readonly artifactRequests: string[] = [];
  /** Whether snapshot and timestamp carry length and hash of what they name. */
  hashes = false;
  /** Changes each answer. */
  tamper: (name: string, bytes: Uint8Array) => Uint8Array | null = (_, bytes) => bytes;

  constructor() {
    const expires = daysFromNow(30);
    this.root = new Root({ ...SPEC, version: 1, expires, consistentSnapshot: true });
    for (const role of ['root', 'timestamp', 'snapshot', 'targets']) this.addKey(role);
    this.targets = new Targets({ ...SPEC, version: 1, expires });
    this.snapshot = new Snapshot({ ...SPEC, version: 1, expires });
    this.timestamp = new Timestamp({ ...SPEC, version: 1, expires });
    for (const role of ['root', 'targets', 'snapshot', 'timestamp']) this.#sign(role);
  }

  /** Roles as they will be signed. */
  of(role: string): Signed {
    const { root, timestamp, snapshot, targets } = this;
    const top: Record<string, Signed> = { root, timestamp, snapshot, targets };
    const found = top[role] ?? this.delegated.get(role);
    if (found === undefined) throw new RangeError(`no role ${role}`);
    return found;
  }

  /** @param delegator of a delegated role */
  addKey(role: string, signer = newSigner(), delegator?: string): Signer {
    if (delegator === undefined) this.root.addKey(signer.key, role);
    else {
      const { delegations } = this.#targetsOf(delegator);
      const roles = delegations?.roles?.[role];
      if (delegations === undefined || roles === undefined) throw new RangeError(`no delegation to ${role}`);
      roles.keyIDs.push(signer.key.keyID);
      delegations.keys[signer.key.keyID] = signer.key;
    }
    this.addSigner(role, signer);
    return signer;
  }

  addSigner(role: string, signer: Signer): void {
    const signers = this.signers.get(role) ?? new Map();
    signers.set(signer.key.keyID, signer);
    this.signers.set(role, signers);
  }

  /** Takes away who signs a role, without anybody in its place. */
  dropSigner(role: string): void {
    const [last] = [...(this.signers.get(role) ?? [])].at(-1) ?? [];
    if (last !== undefined) this.signers.get(role)?.delete(last);
  }

  rotateKeys(role: string): void {
    this.root.roles[role].keyIDs.length = 0;
    this.signers.get(role)?.clear();
    this.addKey(role);
  }

  setThreshold(role: string, threshold: number): void {
    open(this.root.roles[role]).threshold = threshold;
  }

  delegate(
    delegator: string,
    { name, paths = ['*'], terminating = false, threshold = 1 }: Delegation,
    targets?: Targets,
  ) {
    const parent = open(this.#targetsOf(delegator));
    parent.delegations ??= new Delegations({ keys: {}, roles: {} });
    const roles = parent.delegations.roles ?? {};
    roles[name] = new DelegatedRole({ name, paths, terminating, threshold, keyIDs: [] });
    const fresh = targets ?? new Targets({ ...SPEC, version: 1, expires: daysFromNow(30) });
    if (!this.delegated.has(name)) this.delegated.set(name, fresh);
    this.addKey(name, newSigner(), delegator);
    open(this.snapshot).meta = { ...this.snapshot.meta, [`${name}.json`]: new MetaFile({ version: 1 }) };
  }

  addTarget(role: string, content: Uint8Array, path: string, { custom = {}, algorithms = ['sha256'] } = {}) {
    const hashes = Object.fromEntries(
      algorithms.map((name) => [name, createHash(name).update(content).digest('hex')]),
    );
    const unrecognizedFields = { custom };
    this.#targetsOf(role).addTarget(
      new TargetFile({ path, length: content.length, hashes, unrecognizedFields }),
    );
    this.artifacts.set(path, content);
  }

  /** Signs and stores the next version of each role; the snapshot and the timestamp name what is newest. */
  publish(roles: readonly string[], { keepsVersions = false } = {}): void {
    for (const role of roles) {
      const signed = open(this.of(role));
      const isFirst = (this.signed.get(role) ?? []).length === 0;
      if (!keepsVersions && !isFirst) signed.version += 1;
      this.#sign(role);
      if (role === 'snapshot') open(this.timestamp).snapshotMeta = this.#meta(role);
      else if (role !== 'root' && role !== 'timestamp') this.snapshot.meta[`${role}.json`] = this.#meta(role);
    }
  }

  /** The newest version, or one by its place. */
  bytes(role: string, at = -1): Uint8Array {
    const found = this.signed.get(role)?.at(at);
    if (found === undefined) throw new RangeError(`nothing of ${role}`);
    return found;
  }

  /** Changes the newest signed document of a role as text, without signing again. */
  edit(
    role: string,
    change: (document: {
      signatures: { keyid: string; sig: string }[];
      signed: Record<string, unknown>;
    }) => void,
  ) {
    const versions = this.signed.get(role) ?? [];
    const document = JSON.parse(Buffer.from(this.bytes(role)).toString('utf8'));
    change(document);
    versions[versions.length - 1] = Buffer.from(JSON.stringify(document));
  }

  describe(): string {
    return 'simulator';
  }

  async open(name: readonly string[], from: number): Promise<Opened | null> {
    const found = this.#find(name);
    const bytes = found === null ? null : this.tamper(name.join('/'), found);
    if (bytes === null) return null;
    return {
      from,
      pieces: (async function* () {
        for (let at = from; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
      })(),
    };
  }

  #find(name: readonly string[]): Uint8Array | null {
    const [folder, ...rest] = name;
    if (folder === 'targets') {
      const path = rest.join('/').replace(/[0-9a-f]{64,128}\.([^/]+)$/, '$1');
      this.artifactRequests.push(rest.join('/'));
      return this.artifacts.get(path) ?? null;
    }
    this.requests.push(rest[0]);
    const [, version, role] = /^(?:(\d+)\.)?(.+)\.json$/s.exec(rest[0]) ?? [];
    const versions = this.signed.get(role) ?? [];
    return (version === undefined ? versions.at(-1) : versions[Number(version) - 1]) ?? null;
  }

  #sign(role: string): void {
    const metadata = new Metadata(this.of(role));
    for (const signer of this.signers.get(role)?.values() ?? []) metadata.sign((bytes) => signer.sign(bytes));
    const versions = this.signed.get(role) ?? [];
    versions.push(Buffer.from(JSON.stringify(metadata.toJSON())));
    this.signed.set(role, versions);
  }

  #meta(role: string): MetaFile {
    const bytes = this.bytes(role);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return new MetaFile({
      version: this.of(role).version,
      ...(this.hashes && { length: bytes.length, hashes: { sha256 } }),
    });
  }

  #targetsOf(role: string): Targets {
    const found = this.of(role);
    if (!(found instanceof Targets)) throw new RangeError(`${role} has no targets`);
    return found;
  }
}

export { Key, Role };
