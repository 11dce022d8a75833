import { Metadata, Targets } from '@tufjs/models';
import { Delegations } from '@tufjs/models/dist/delegations.js';
import { Role } from '@tufjs/models/dist/role.js';
import { UsageError } from '../errors.ts';
import {
  delegate,
  type Keys,
  nextVersion,
  openQuorums,
  requireThreshold,
  SPECIFICATION,
  saveSigned,
} from './drafts.ts';
import { expiryOf } from './expiry.ts';
import type { Quorum } from './signatures.ts';
import type { Signer } from './signer.ts';
import type { Workspace } from './workspace.ts';

/** Roles whose keys a root names; `online` is the two that each publication signs. */
export const ROTATED = ['root', 'targets', 'online'] as const;
export type Rotated = (typeof ROTATED)[number];

export interface Rotation {
  readonly role: Rotated;
  readonly add: Keys['keys'];
  /** Beginnings of identifiers; each must name one key of the role. */
  readonly remove: readonly string[];
  /** Default: as before. */
  readonly threshold: number | null;
  readonly now: number;
}

/**
 * A draft of the next root with other keys for a role. It must be signed by enough keys of the root before and of the
 * new one.
 * @throws UsageError `REPOSITORY_KEY`, `REPOSITORY_THRESHOLD`
 */
export async function rotate(
  workspace: Workspace,
  { role, add, remove, threshold, now }: Rotation,
  signers: readonly Signer[],
): Promise<Quorum[]> {
  const root = nextVersion(workspace, 'root', now);
  const { roles, keys } = root.signed;
  for (const name of role === 'online' ? ['snapshot', 'timestamp'] : [role]) {
    const before = roles[name];
    const gone = remove.map((start) => keyNamed(before.keyIDs, start));
    const kept = before.keyIDs.filter((id) => !gone.includes(id));
    const keyIDs = [...new Set([...kept, ...add.map(({ keyID }) => keyID)])];
    requireThreshold(name, keyIDs.length, threshold ?? before.threshold);
    roles[name] = new Role({ keyIDs, threshold: threshold ?? before.threshold });
  }
  for (const key of add) keys[key.keyID] = key;
  const used = new Set(Object.values(roles).flatMap(({ keyIDs }) => keyIDs));
  for (const id of Object.keys(keys)) if (!used.has(id)) delete keys[id];
  await saveSigned(workspace, 'root', root, signers);
  if (role === 'targets') {
    await saveSigned(workspace, 'targets', nextVersion(workspace, 'targets', now), signers);
  }
  return openQuorums(workspace);
}

/** @throws UsageError `REPOSITORY_KEY` */
function keyNamed(keyIDs: readonly string[], start: string): string {
  const found = keyIDs.filter((id) => id.startsWith(start));
  if (found.length === 1 && start.length >= 8) return found[0];
  throw new UsageError('REPOSITORY_KEY', 'This names no key of the role', {
    field: '--remove',
    expected: `eight or more first characters of ${keyIDs.map((id) => id.slice(0, 16)).join(', ')}`,
    received: start,
  });
}

export interface NewDelegation extends Keys {
  readonly role: string;
  readonly prefix: string;
  readonly now: number;
}

/** Gives a channel or a site to keys. What it has released before must be signed by these again. */
export async function setDelegation(
  workspace: Workspace,
  { role, prefix, keys, threshold, now }: NewDelegation,
  signers: readonly Signer[],
): Promise<Quorum[]> {
  const targets = nextVersion(workspace, 'targets', now);
  delegate(targets.signed, role, prefix, { keys, threshold });
  await saveSigned(workspace, 'targets', targets, signers);
  const own = workspace.newest(role) === null ? emptyRole(now) : nextVersion(workspace, role, now);
  await saveSigned(workspace, role, own, signers);
  return openQuorums(workspace);
}

function emptyRole(now: number): Metadata<Targets> {
  const delegations = new Delegations({ keys: {}, roles: {} });
  const expires = expiryOf('targets', now);
  return new Metadata(
    new Targets({ version: 1, specVersion: SPECIFICATION, expires, targets: {}, delegations }),
  );
}
