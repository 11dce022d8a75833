import type { Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import type { Source } from '../source/source.ts';
import { readFile } from '../source/source.ts';
import { TrustError } from './faults.ts';
import {
  checkRootFloor,
  checkSnapshotFloor,
  checkTimestampFloor,
  type Floors,
  floorsOf,
  holds,
  sha256,
} from './floors.ts';
import { LIMITS } from './form.ts';
import type { RoleBytes } from './kept-metadata.ts';
import { TrustedSet } from './trusted-set.ts';

/** Roots that are walked through at most in one update. */
const MAXIMUM_ROTATIONS = 256;
/** Where metadata lies in a repository. */
const FOLDER = 'metadata';

export interface RefreshOptions {
  readonly source: Source;
  /** The root that this device was set up with: begun with where nothing else is kept. */
  readonly anchor: Uint8Array | null;
  readonly kept: RoleBytes;
  readonly floors: Floors | null;
  /** The time by which expiry is judged, when signed metadata says that it was signed at `issued`. */
  readonly timeAt: (issued: string | null) => Date;
}

type Signed = Pick<Root | Timestamp | Snapshot | Targets, 'expires' | 'isExpired'>;

/** A repository that is in an older state than this device has seen, signed as it may be. */
export class OlderState extends TrustError {
  constructor(file: string, expected: string, received: string) {
    super('TRUST_ROLLBACK', { file, expected, received });
    this.name = 'OlderState';
  }
}

/**
 * One pass through a repository's metadata (The Update Framework, §5.3 to §5.6): the chain of roots, timestamp, snapshot,
 * targets. What was verified is in `roles` also where a later step throws; nothing is written here.
 */
export class Refresh {
  readonly #options: RefreshOptions;
  readonly #roles: Map<string, Uint8Array>;
  readonly #set: TrustedSet;
  readonly #loaded = new Set<string>();
  #hasNews = false;

  /** @throws TrustError when there is no root to begin with */
  constructor(options: RefreshOptions) {
    this.#options = options;
    const { set, root } = beginning(options);
    this.#set = set;
    this.#roles = new Map([...options.kept, ['root', root]]);
  }

  /** Whether anything was verified that was not kept before. */
  get hasNews(): boolean {
    return this.#hasNews;
  }

  /** The documents that are trusted now. */
  get roles(): RoleBytes {
    return this.#roles;
  }

  get set(): TrustedSet {
    return this.#set;
  }

  floors(): Floors {
    return floorsOf(this.#set, this.#bytes('root'), this.#options.floors);
  }

  /** What is trusted in this pass, with its time. */
  documents(): { role: string; signed: Signed }[] {
    const { root, timestamp, snapshot } = this.#set;
    const top = { root: root.signed, timestamp: timestamp?.signed, snapshot: snapshot?.signed };
    const targets = [...this.#loaded].map((role) => [role, this.#set.targetsOf(role)] as const);
    return [...Object.entries(top), ...targets].flatMap(([role, signed]) =>
      signed === undefined ? [] : [{ role, signed }],
    );
  }

  /** @throws TrustError @throws SpikescopeError `SOURCE_*` */
  async run(): Promise<void> {
    await this.#roots();
    await this.#timestamp();
    await this.#snapshot();
    await this.loadTargets('targets', 'root');
  }

  /**
   * A targets role by one of its delegations; the same role may come by several, and is verified for each.
   * @throws TrustError
   */
  async loadTargets(role: string, delegator: string): Promise<void> {
    await this.#loadTargets(role, delegator);
    this.#loaded.add(role);
  }

  async #loadTargets(role: string, delegator: string): Promise<void> {
    const meta = this.#set.snapshot?.signed.meta ?? {};
    const name = `${role}.json`;
    if (!Object.hasOwn(meta, name)) {
      throw new TrustError('TRUST_MISMATCH', { file: name, expected: 'a role that the snapshot names' });
    }
    const { version, length } = meta[name];
    const kept = this.#roles.get(role);
    if (kept !== undefined && this.#isAccepted(() => this.#set.updateTargets(kept, name, role, delegator)))
      return;
    const file = this.#versioned(role, version);
    const bytes = await this.#fetch(file, Math.min(LIMITS.targets, length ?? LIMITS.targets));
    this.#set.updateTargets(bytes, file, role, delegator);
    this.#take(role, bytes);
  }

  async #roots(): Promise<void> {
    const { source, floors, timeAt } = this.#options;
    this.#checkRoot(this.#bytes('root'));
    for (let step = 0; ; step++) {
      const version = this.#set.root.signed.version;
      const file = `${version + 1}.root.json`;
      const bytes = step < MAXIMUM_ROTATIONS ? await readFile(source, [FOLDER, file], LIMITS.root) : null;
      if (bytes === null) break;
      this.#set.updateRoot(bytes, file);
      this.#checkRoot(bytes);
      this.#take('root', bytes);
    }
    const { version } = this.#set.root.signed;
    if (floors !== null && version < floors.root.version) {
      throw new OlderState(`${version}.root.json`, `root ${floors.root.version} or newer`, `root ${version}`);
    }
    const floor = floors?.timestamp ?? null;
    const isProven = floor !== null && holds(this.#set, 'timestamp', floor);
    this.#set.setTime(timeAt(isProven ? floor.issued : null));
  }

  #checkRoot(bytes: Uint8Array): void {
    const { floors } = this.#options;
    if (floors === null) return;
    checkRootFloor(floors.root, { version: this.#set.root.signed.version, sha256: sha256(bytes) });
  }

  async #timestamp(): Promise<void> {
    const file = 'timestamp.json';
    const kept = this.#roles.get('timestamp');
    if (kept !== undefined) this.#isAccepted(() => this.#set.updateTimestamp(kept, file));
    const known = this.#set.timestamp?.signed.version ?? 0;
    const bytes = await this.#fetch(file, LIMITS.timestamp);
    try {
      const isNewer = this.#set.updateTimestamp(bytes, file);
      checkTimestampFloor(this.#set, this.#options.floors?.timestamp ?? null);
      this.#proveTime();
      if (isNewer) this.#take('timestamp', bytes);
    } catch (error) {
      throw error instanceof TrustError ? await this.#explained(error, bytes, known) : error;
    }
  }

  /** What is newest is never expired where the time is proven by itself: a copy that stands still is. */
  #proveTime(): void {
    const { timeAt } = this.#options;
    const issued = this.floors().timestamp?.issued ?? null;
    const time = timeAt(issued);
    this.#set.setTime(time);
    const timestamp = this.#set.timestamp?.signed;
    if (timestamp?.isExpired(time)) {
      throw new TrustError('TRUST_EXPIRED', {
        file: 'timestamp.json',
        received: `expired ${timestamp.expires}`,
      });
    }
  }

  /** What a timestamp that is not taken means: an older state, one that stands still, or what the library said. */
  async #explained(error: TrustError, bytes: Uint8Array, known: number): Promise<TrustError> {
    const file = 'timestamp.json';
    const { floors } = this.#options;
    const floor =
      floors?.timestamp && holds(this.#set, 'timestamp', floors.timestamp) ? floors.timestamp.version : 0;
    const seen = Math.max(known, floor);
    if (error.code === 'TRUST_SIGNATURE' && (await this.#lacksOurRoot())) {
      const { version } = this.#set.root.signed;
      return new OlderState(file, `a repository with root ${version}`, 'one without');
    }
    if (error.code !== 'TRUST_ROLLBACK' && error.code !== 'TRUST_EXPIRED') return error;
    const version = versionOf(bytes);
    if (version < seen) return new OlderState(file, `version ${seen} or newer`, `version ${version}`);
    if (error.code === 'TRUST_EXPIRED' && version === seen) {
      const received = `version ${version}, ${error.details.received}`;
      return new TrustError('TRUST_FROZEN', { file, expected: `newer than version ${seen}`, received });
    }
    return error;
  }

  /** A copy from before the last change of keys: its timestamp cannot be signed by them. Roots never leave a repository. */
  async #lacksOurRoot(): Promise<boolean> {
    const file = `${this.#set.root.signed.version}.root.json`;
    return (await readFile(this.#options.source, [FOLDER, file], LIMITS.root)) === null;
  }

  async #snapshot(): Promise<void> {
    const kept = this.#roles.get('snapshot');
    const isKept =
      kept !== undefined && this.#isAccepted(() => this.#set.updateSnapshot(kept, 'snapshot.json', true));
    if (!isKept) {
      const { version, length } = this.#set.timestamp?.signed.snapshotMeta ?? { version: 1 };
      const file = this.#versioned('snapshot', version);
      const bytes = await this.#fetch(file, Math.min(LIMITS.snapshot, length ?? LIMITS.snapshot));
      this.#set.updateSnapshot(bytes, file);
      checkSnapshotFloor(this.#set, this.#options.floors?.snapshot ?? null);
      this.#take('snapshot', bytes);
    } else checkSnapshotFloor(this.#set, this.#options.floors?.snapshot ?? null);
  }

  #versioned(role: string, version: number): string {
    return this.#set.root.signed.consistentSnapshot ? `${version}.${role}.json` : `${role}.json`;
  }

  async #fetch(file: string, limit: number): Promise<Uint8Array> {
    const bytes = await readFile(this.#options.source, [FOLDER, file], limit);
    if (bytes === null) throw new TrustError('TRUST_MISSING', { file });
    return bytes;
  }

  /** What was kept may be over, or signed with keys that were replaced: then the source has to give it. */
  #isAccepted(update: () => void): boolean {
    try {
      update();
      return true;
    } catch {
      return false;
    }
  }

  #take(role: string, bytes: Uint8Array): void {
    this.#roles.set(role, bytes);
    this.#hasNews = true;
  }

  #bytes(role: string): Uint8Array {
    const bytes = this.#roles.get(role);
    if (bytes === undefined) throw new TrustError('TRUST_MISSING', { file: `${role}.json` });
    return bytes;
  }
}

function beginning({ kept, anchor }: RefreshOptions): { set: TrustedSet; root: Uint8Array } {
  const root = kept.get('root');
  if (root !== undefined) {
    try {
      return { set: new TrustedSet(root), root };
    } catch {
      // The anchor and the floors hold without it.
    }
  }
  if (anchor === null) {
    throw new TrustError('TRUST_ANCHOR', {
      file: 'root.json',
      expected: 'the root of a repository to begin with',
      received: 'none: this device was not set up yet, or lost it',
    });
  }
  return { set: new TrustedSet(anchor), root: anchor };
}

/** Of a document whose form was checked. */
function versionOf(bytes: Uint8Array): number {
  const document: { signed: { version: number } } = JSON.parse(Buffer.from(bytes).toString('utf8'));
  return document.signed.version;
}
