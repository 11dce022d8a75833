import type { Key } from '@tufjs/models';
import { Metadata, Root, Targets } from '@tufjs/models';
import { Delegations } from '@tufjs/models/dist/delegations.js';
import { DelegatedRole, Role } from '@tufjs/models/dist/role.js';
import { RefusedError, UsageError } from '../errors.ts';
import { CHANNELS, roleOfChannel } from '../updates/release.ts';
import { expiryOf } from './expiry.ts';
import { type Quorum, quorumsOf, signWith, unsigned } from './signatures.ts';
import type { Signer } from './signer.ts';
import type { DraftMetadata, Workspace } from './workspace.ts';

export const SPECIFICATION = '1.0.31';

/** Keys of a role and how many of them must sign. */
export interface Keys {
  readonly keys: readonly Key[];
  readonly threshold: number;
}

export interface NewRepository {
  readonly root: Keys;
  /** Of the list of channels and, at first, of each channel. */
  readonly release: Keys;
  /** Of what is signed at each publication: the only keys that need be on a machine with a network. */
  readonly online: Keys;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Drafts of a new repository: root, and the channels that it delegates. @returns what is still to be signed */
export async function initialise(
  workspace: Workspace,
  { root, release, online, now }: NewRepository,
  signers: readonly Signer[],
): Promise<Quorum[]> {
  const roles = { root, targets: release, snapshot: online, timestamp: online };
  for (const [name, { keys, threshold }] of Object.entries(roles))
    requireThreshold(name, keys.length, threshold);
  const everybody = [...root.keys, ...release.keys, ...online.keys];
  const signed = new Root({
    version: 1,
    specVersion: SPECIFICATION,
    expires: expiryOf('root', now),
    consistentSnapshot: true,
    keys: Object.fromEntries(everybody.map((key) => [key.keyID, key])),
    roles: Object.fromEntries(
      Object.entries(roles).map(([name, { keys, threshold }]) => [
        name,
        new Role({ keyIDs: [...new Set(keys.map(({ keyID }) => keyID))], threshold }),
      ]),
    ),
  });
  await saveSigned(workspace, 'root', new Metadata(signed), signers);
  const targets = newTargets(now);
  for (const { role, prefix } of CHANNELS.map(roleOfChannel)) delegate(targets, role, prefix, release);
  await saveSigned(workspace, 'targets', new Metadata(targets), signers);
  for (const channel of CHANNELS) {
    await saveSigned(workspace, channel, new Metadata(newTargets(now)), signers);
  }
  return openQuorums(workspace);
}

function newTargets(now: number): Targets {
  const expires = expiryOf('targets', now);
  const delegations = new Delegations({ keys: {}, roles: {} });
  return new Targets({ version: 1, specVersion: SPECIFICATION, expires, targets: {}, delegations });
}

/** Lets keys sign what lies below a prefix, and these alone. */
export function delegate(targets: Targets, name: string, prefix: string, { keys, threshold }: Keys): void {
  requireThreshold(name, keys.length, threshold);
  const { delegations } = targets;
  if (delegations?.roles === undefined) throw new RangeError('targets without delegations');
  for (const key of keys) delegations.keys[key.keyID] = key;
  const keyIDs = keys.map(({ keyID }) => keyID);
  const paths = [`${prefix}*`];
  delegations.roles[name] = new DelegatedRole({ name, paths, terminating: true, threshold, keyIDs });
}

/** @throws UsageError `REPOSITORY_THRESHOLD` */
export function requireThreshold(role: string, keys: number, threshold: number): void {
  if (keys > 0 && threshold >= 1 && threshold <= keys) return;
  throw new UsageError('REPOSITORY_THRESHOLD', 'So many signatures cannot be made with so few keys', {
    field: role,
    expected: `between 1 and ${keys} signatures of ${keys} keys`,
    received: `${threshold}`,
  });
}

/**
 * The next version of a role to change: its draft, or a copy of what is published with the version after. Not signed.
 * @throws RefusedError `REPOSITORY_ROLE`
 */
export function nextVersion(workspace: Workspace, role: 'root', now: number): Metadata<Root>;
export function nextVersion(workspace: Workspace, role: string, now: number): Metadata<Targets>;
export function nextVersion(workspace: Workspace, role: string, now: number): DraftMetadata {
  const newest = role === 'root' ? workspace.newest('root') : workspace.newest(role);
  if (newest === null) {
    throw new RefusedError('REPOSITORY_ROLE', 'The repository has no such role', {
      field: role,
      remedy: 'delegate it first: `spikescope provision repository delegate`',
    });
  }
  const { signed } = newest;
  const options = {
    version: workspace.publishedVersion(role) + 1,
    specVersion: signed.specVersion,
    expires: expiryOf(role === 'root' ? 'root' : 'targets', now),
    unrecognizedFields: signed.unrecognizedFields,
  };
  if (signed instanceof Root) {
    const { keys, roles, consistentSnapshot } = signed;
    return new Metadata(new Root({ ...options, keys, roles, consistentSnapshot }));
  }
  const { targets, delegations } = signed;
  return new Metadata(new Targets({ ...options, targets, ...(delegations && { delegations }) }));
}

/** Saves a draft with the signatures of those signers that may. */
export async function saveSigned(
  workspace: Workspace,
  role: string,
  metadata: DraftMetadata,
  signers: readonly Signer[],
): Promise<void> {
  if (metadata.signed instanceof Root) unsigned(metadata as Metadata<Root>);
  else unsigned(metadata as Metadata<Targets>);
  // Who may sign may be what is about to change.
  await workspace.saveDraft(role, metadata);
  signWith(workspace, role, metadata, signers);
  await workspace.saveDraft(role, metadata);
}

/** Adds signatures to each draft that the signers may sign. @returns what is still to be signed */
export async function signDrafts(workspace: Workspace, signers: readonly Signer[]): Promise<Quorum[]> {
  let count = 0;
  for (const role of workspace.drafts()) {
    const metadata = workspace.draft(role);
    if (metadata === null) continue;
    count += signWith(workspace, role, metadata, signers);
    await workspace.saveDraft(role, metadata);
  }
  if (count === 0) {
    throw new RefusedError('RELEASE_NOTHING_TO_SIGN', 'No draft may be signed by these keys', {
      file: workspace.folder,
      received: `drafts of ${workspace.drafts().join(', ') || 'no role'}`,
      remedy: 'look which keys a role has: `spikescope provision inspect`',
    });
  }
  return openQuorums(workspace);
}

/** Of all drafts, those that still lack signatures. */
export function openQuorums(workspace: Workspace): Quorum[] {
  return workspace.drafts().flatMap((role) => {
    const metadata = workspace.draft(role);
    return metadata === null
      ? []
      : quorumsOf(workspace, role, metadata).filter(({ isReached }) => !isReached);
  });
}
