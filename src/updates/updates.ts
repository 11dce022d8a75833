import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { RefusedError, UsageError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { DurableFile } from '../store/durable-file.ts';
import type { Journal } from '../store/journal.ts';
import { isOwned, type Ownership, ownDataFolder } from '../store/owner.ts';
import { BEFORE_ALL, provenTime } from './clock.ts';
import { listReleases, type Offer, type Subscription } from './offers.ts';
import { OverrideLog } from './override.ts';
import {
  floorsIn,
  type Operation,
  type Override,
  olderRecord,
  refusedRecord,
  type Staged,
  stagedRecord,
  trustedRecord,
} from './records.ts';
import type { Source } from './source/source.ts';
import { type FetchOptions, fetchTarget, verifyTarget } from './staging.ts';
import { type Target, targetOf } from './target.ts';
import { TrustError } from './trust/faults.ts';
import { KeptMetadata, updatesFolder } from './trust/kept-metadata.ts';
import { OlderState, Refresh } from './trust/refresh.ts';
import { TrustedSet } from './trust/trusted-set.ts';

export interface UpdatesOptions {
  /** The device's data folder; what is trusted is kept below it. */
  readonly data: string;
  readonly journal: Journal;
  /** The root that this device is set up with, where it has none yet. */
  readonly root?: Uint8Array;
  /** Who asks. */
  readonly by: string;
  /** Milliseconds since 1970 by the device's clock. */
  readonly now?: () => number;
}

/** A repository whose metadata is trusted, while it is worked with. */
export interface Repository {
  /** Versions of the roles that are trusted. */
  readonly versions: Readonly<Record<string, number>>;
  /** The time by which expiry was judged. */
  readonly time: Date;
  /** What was taken although its time is over; null where nothing was. */
  override(): Override | null;
  /** What the repository has for a device. @throws RefusedError `TRUST_*` */
  offers(subscription: Subscription): Promise<Offer[]>;
  /** @throws RefusedError `TARGET_UNKNOWN`, `TRUST_*` */
  target(name: string): Promise<Target>;
  /** Holds the source's bytes to what is signed. @throws RefusedError `TARGET_*` */
  verify(target: Target): Promise<void>;
  /** Brings a target onto this device. @returns its file @throws RefusedError `TARGET_*` */
  fetch(target: Target, options?: FetchOptions): Promise<string>;
}

export type Outcome<T> =
  | { readonly outcome: 'trusted'; readonly result: T }
  /** The source is in an older state than this device has seen: nothing to take. */
  | { readonly outcome: 'older'; readonly expected: string; readonly received: string };

export interface UseOptions {
  /** Why expired metadata is taken all the same; of a folder alone. */
  readonly acceptExpired?: string | null;
}

/** Whether a process works with what is trusted, fetches or installs: one at a time can. */
export function isUnderWay(data: string): boolean {
  return isOwned(updatesFolder(data));
}

/** What a device trusts of its repository, and how it comes to trust more. One process at a time works with it. */
export class Updates {
  readonly #folder: string;
  readonly #journal: Journal;
  readonly #kept: KeptMetadata;
  readonly #anchor: Uint8Array | null;
  readonly #by: string;
  readonly #now: () => number;
  readonly #ownership: Ownership;

  private constructor(options: UpdatesOptions, folder: string, anchor: Uint8Array | null, owned: Ownership) {
    this.#folder = folder;
    this.#journal = options.journal;
    this.#kept = new KeptMetadata(folder);
    this.#anchor = anchor;
    this.#by = options.by;
    this.#now = options.now ?? Date.now;
    this.#ownership = owned;
  }

  /** @throws SpikescopeError `DATA_FOLDER_IN_USE`, `DOCUMENT_*` @throws TrustError for a root that is none */
  static async open(options: UpdatesOptions): Promise<Updates> {
    const folder = updatesFolder(options.data);
    makeFolder(folder, 0o700);
    const owned = ownDataFolder(folder);
    try {
      return new Updates(options, folder, await settledAnchor(folder, options.root), owned);
    } catch (error) {
      owned.release();
      throw error;
    }
  }

  close(): void {
    this.#ownership.release();
  }

  /**
   * Brings what is trusted up to date from a source, and works with the repository. What was verified is kept, also where a
   * later step fails; what is refused stands in the journal, and changes nothing.
   * @throws RefusedError `TRUST_*`, `TARGET_*`, `SOURCE_*` @throws SpikescopeError `SOURCE_*`, `JOURNAL_*`, `DOCUMENT_*`
   */
  async use<T>(
    source: Source,
    work: (repository: Repository) => Promise<T>,
    { acceptExpired = null }: UseOptions = {},
  ): Promise<Outcome<T>> {
    if (acceptExpired !== null && source.kind !== 'folder') throw overrideOfServer();
    const operation = { id: randomUUID(), source: source.describe(), by: this.#by };
    const found = await this.#kept.read();
    const before = found.kept?.roles ?? new Map<string, Uint8Array>();
    const floors = floorsIn(this.#journal);
    const lost = found.kept === null && floors !== null ? (found.lost ?? 'it is gone') : null;
    const known = { now: this.#now(), recorded: this.#journal.latestTime() };
    let refresh: Refresh | null = null;
    try {
      const timeAt = (issued: string | null) =>
        acceptExpired === null ? provenTime(known, issued) : BEFORE_ALL;
      refresh = new Refresh({ source, anchor: this.#anchor, kept: before, floors, timeAt });
      await refresh.run();
      const time = provenTime(known, refresh.floors().timestamp?.issued ?? null);
      const log = new OverrideLog(this.#journal, operation, refresh, { time, reason: acceptExpired });
      log.note();
      const result = await work(this.#repository(refresh, source, operation, time, log));
      await this.#keep(operation, refresh, lost);
      return { outcome: 'trusted', result };
    } catch (error) {
      if (refresh !== null) await this.#keep(operation, refresh, lost);
      if (error instanceof OlderState && source.kind === 'folder') {
        const { expected = '', received = '' } = error.details;
        this.#journal.record([olderRecord(operation, expected, received)]);
        return { outcome: 'older', expected, received };
      }
      if (error instanceof RefusedError) {
        this.#journal.record([refusedRecord(operation, error, acceptExpired)]);
      }
      throw error;
    }
  }

  #repository(
    refresh: Refresh,
    source: Source,
    operation: Operation,
    time: Date,
    log: OverrideLog,
  ): Repository {
    const noted = <T>(value: T): T => {
      log.note();
      return value;
    };
    return {
      versions: versionsOf(refresh),
      time,
      override: () => log.override,
      offers: async (subscription) => noted(await listReleases(refresh, subscription)),
      target: async (name) => noted(await targetOf(refresh, name)),
      verify: (target) => verifyTarget(source, target),
      fetch: async (target, options) => {
        const file = await fetchTarget(source, target, path.join(this.#folder, 'staging'), options);
        this.#journal.record([stagedRecord(operation, stagedOf(target))]);
        return file;
      },
    };
  }

  /** First the floors, then the metadata: with the power cut between, the floors hold, and the source is asked again. */
  async #keep(operation: Operation, refresh: Refresh, lost: string | null): Promise<void> {
    if (!refresh.hasNews) return;
    this.#journal.record([trustedRecord(operation, { floors: refresh.floors(), lost })]);
    await this.#kept.write({ roles: refresh.roles, journal: this.#journal.head() });
  }
}

/** The root that this device was set up with: the first that it was given. @throws TrustError `TRUST_ANCHOR` */
async function settledAnchor(folder: string, given: Uint8Array | undefined): Promise<Uint8Array | null> {
  const file = new DurableFile(path.join(folder, 'root.json'));
  const settled = await file.readBytes();
  const anchor = settled !== null && isRoot(settled) ? settled : null;
  if (given === undefined) return anchor;
  const { version } = new TrustedSet(given).root.signed;
  if (anchor === null) {
    await file.write(given);
    return given;
  }
  const own = new TrustedSet(anchor).root.signed;
  if (own.version === version && !anchor.equals(given)) {
    throw new TrustError('TRUST_ANCHOR', {
      file: 'root.json',
      expected: 'the root that this device was set up with',
      received: `another of version ${version}`,
    });
  }
  return anchor;
}

function isRoot(bytes: Uint8Array): boolean {
  try {
    new TrustedSet(bytes);
    return true;
  } catch {
    return false;
  }
}

function versionsOf({ set }: Refresh): Record<string, number> {
  return {
    root: set.root.signed.version,
    timestamp: set.timestamp?.signed.version ?? 0,
    snapshot: set.snapshot?.signed.version ?? 0,
    targets: set.targetsOf('targets')?.version ?? 0,
  };
}

function stagedOf({ name, role, keys, hashes, length }: Target): Staged {
  const [hash = ''] = hashes.values();
  return { target: name, role, keys, hash, length };
}

function overrideOfServer(): UsageError {
  return new UsageError('OVERRIDE_SOURCE', 'Expired metadata is taken from a folder alone', {
    field: '--accept-expired',
    expected: 'a stick, which cannot be newer than the day on which it was written',
    received: 'a server',
  });
}
