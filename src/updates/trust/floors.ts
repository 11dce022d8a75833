import { createHash } from 'node:crypto';
import type { Metadata, Snapshot, Timestamp } from '@tufjs/models';
import { z } from 'zod';
import { TrustError } from './faults.ts';
import { signersOf } from './signers.ts';
import type { TrustedSet } from './trusted-set.ts';

const version = z.int().min(1);
const signers = z.array(z.string()).max(64);

/**
 * The versions below which this device trusts nothing any more. Of the timestamp and the snapshot with the keys that had
 * signed: a floor holds as long as those would still be enough. When they have been replaced it is gone, as the local
 * metadata is in The Update Framework (§5.3.11): that is how a repository recovers from keys that were stolen.
 */
export const floorsSchema = z.object({
  root: z.object({ version, sha256: z.string() }),
  timestamp: z
    .object({ version, signers, snapshot: version, issued: z.iso.datetime().nullable() })
    .nullable()
    .default(null),
  snapshot: z
    .object({ version, signers, roles: z.record(z.string(), version) })
    .nullable()
    .default(null),
});
export type Floors = z.infer<typeof floorsSchema>;

/** The field in which this project's repositories say when a timestamp was signed. */
export const ISSUED = 'x-spikescope-issued';

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * The floors that follow from what is trusted. None is ever lowered while it holds, whatever was kept.
 * @param rootBytes of the trusted root
 */
export function floorsOf(set: TrustedSet, rootBytes: Uint8Array, before: Floors | null): Floors {
  const { root, timestamp, snapshot } = set;
  const found = { version: root.signed.version, sha256: sha256(rootBytes) };
  return {
    root: before !== null && before.root.version >= found.version ? before.root : found,
    timestamp: raised(set, 'timestamp', before?.timestamp, timestamp && timestampFloor(set, timestamp)),
    snapshot: withAllRoles(
      set,
      before?.snapshot,
      raised(set, 'snapshot', before?.snapshot, snapshot && snapshotFloor(set, snapshot)),
    ),
  };
}

interface Floor {
  readonly version: number;
  readonly signers: readonly string[];
}

function raised<T extends Floor>(
  set: TrustedSet,
  role: TopRole,
  before: T | null | undefined,
  found: T | null | undefined,
): T | null {
  if (found === null || found === undefined) return before ?? null;
  if (before === null || before === undefined || !holds(set, role, before)) return found;
  return before.version > found.version ? before : found;
}

/** Each role's own version: it may have been seen newer than the newest snapshot says. */
function withAllRoles(
  set: TrustedSet,
  before: Floors['snapshot'] | undefined,
  floor: Floors['snapshot'],
): Floors['snapshot'] {
  if (floor === null || before === null || before === undefined || !holds(set, 'snapshot', before)) {
    return floor;
  }
  const roles = { ...floor.roles };
  for (const [name, version] of Object.entries(before.roles)) {
    roles[name] = Math.max(version, Object.hasOwn(roles, name) ? roles[name] : 0);
  }
  return { ...floor, roles };
}

function timestampFloor(set: TrustedSet, timestamp: Metadata<Timestamp>) {
  const { version, snapshotMeta, unrecognizedFields, expires } = timestamp.signed;
  const issued = z.iso.datetime().safeParse(unrecognizedFields[ISSUED]);
  const isCredible = issued.success && Date.parse(issued.data) <= Date.parse(expires);
  return {
    version,
    signers: topSigners(set, 'timestamp', timestamp),
    snapshot: snapshotMeta.version,
    issued: isCredible ? issued.data : null,
  };
}

function snapshotFloor(set: TrustedSet, snapshot: Metadata<Snapshot>) {
  const roles = Object.entries(snapshot.signed.meta).map(([name, meta]) => [name, meta.version] as const);
  return {
    version: snapshot.signed.version,
    signers: topSigners(set, 'snapshot', snapshot),
    roles: Object.fromEntries(roles),
  };
}

type TopRole = 'timestamp' | 'snapshot';

function topSigners({ root }: TrustedSet, role: TopRole, metadata: Metadata<Timestamp | Snapshot>): string[] {
  return signersOf(metadata, root.signed.roles[role].keyIDs, root.signed.keys);
}

/** Whether the keys that signed what a floor was taken from are still enough for its role. */
export function holds({ root }: TrustedSet, role: TopRole, floor: Pick<Floor, 'signers'>): boolean {
  const { keyIDs, threshold } = root.signed.roles[role];
  return floor.signers.filter((id) => keyIDs.includes(id)).length >= threshold;
}

/** @throws TrustError `TRUST_ANCHOR` where the chain of roots passes the floor as another root */
export function checkRootFloor(floor: Floors['root'], found: Floors['root']): void {
  if (found.version !== floor.version || found.sha256 === floor.sha256) return;
  throw new TrustError('TRUST_ANCHOR', {
    file: `${found.version}.root.json`,
    expected: `SHA-256 ${floor.sha256.slice(0, 16)}…`,
    received: `${found.sha256.slice(0, 16)}…`,
  });
}

/** @throws TrustError `TRUST_ROLLBACK` */
export function checkTimestampFloor(set: TrustedSet, floor: Floors['timestamp']): void {
  const timestamp = set.timestamp?.signed;
  if (timestamp === undefined || floor === null || !holds(set, 'timestamp', floor)) return;
  requireVersion('timestamp.json', 'timestamp', floor.version, timestamp.version);
  requireVersion('timestamp.json', 'snapshot', floor.snapshot, timestamp.snapshotMeta.version);
}

/** @throws TrustError `TRUST_ROLLBACK` */
export function checkSnapshotFloor(set: TrustedSet, floor: Floors['snapshot']): void {
  const snapshot = set.snapshot?.signed;
  if (snapshot === undefined || floor === null || !holds(set, 'snapshot', floor)) return;
  for (const [name, version] of Object.entries(floor.roles)) {
    const found = Object.hasOwn(snapshot.meta, name) ? snapshot.meta[name].version : 0;
    requireVersion('snapshot.json', name, version, found);
  }
}

function requireVersion(file: string, what: string, floor: number, found: number): void {
  if (found >= floor) return;
  throw new TrustError('TRUST_ROLLBACK', {
    file,
    expected: `${what} of version ${floor} or newer`,
    received: found === 0 ? 'none' : `version ${found}`,
  });
}
