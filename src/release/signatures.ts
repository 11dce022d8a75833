import type { Key, Metadata, Root, Targets } from '@tufjs/models';
import type { Role } from '@tufjs/models/dist/role.js';
import { RefusedError } from '../errors.ts';
import type { Signer } from './signer.ts';
import type { DraftMetadata, Workspace } from './workspace.ts';

/** Who may sign a document, how many must, and who has. */
export interface Quorum {
  readonly role: string;
  readonly version: number;
  readonly threshold: number;
  /** Identifiers of keys. */
  readonly signed: readonly string[];
  readonly missing: readonly string[];
  readonly isReached: boolean;
}

interface Authority {
  readonly role: Role;
  readonly keys: Readonly<Record<string, Key>>;
}

/** Whose signatures a document needs: of a root, those of the root before it as well (§5.3.4). */
function authoritiesOf(workspace: Workspace, name: string): Authority[] {
  const root = workspace.newest('root');
  if (root === null) return [];
  const of = ({ signed }: Metadata<Root>): Authority => ({ role: signed.roles[name], keys: signed.keys });
  if (name === 'root') {
    const before = workspace.published('root');
    return before === null ? [of(root)] : [of(root), of(before)];
  }
  if (name === 'targets') return [of(root)];
  const delegations = workspace.newest('targets')?.signed.delegations;
  const role = delegations?.roles?.[name];
  return delegations === undefined || role === undefined ? [] : [{ role, keys: delegations.keys }];
}

/** The state of a document's signatures, one for each authority. */
export function quorumsOf(workspace: Workspace, name: string, metadata: DraftMetadata): Quorum[] {
  return authoritiesOf(workspace, name).map(({ role, keys }) => {
    const signed = role.keyIDs.filter((id) => hasSigned(keys[id], metadata));
    return {
      role: name,
      version: metadata.signed.version,
      threshold: role.threshold,
      signed,
      missing: role.keyIDs.filter((id) => !signed.includes(id)),
      isReached: signed.length >= role.threshold,
    };
  });
}

function hasSigned(key: Key | undefined, metadata: DraftMetadata): boolean {
  try {
    key?.verifySignature(metadata);
    return key !== undefined;
  } catch {
    return false;
  }
}

/** Adds the signatures of those that may sign a document. @returns how many of them did */
export function signWith(
  workspace: Workspace,
  name: string,
  metadata: DraftMetadata,
  signers: readonly Signer[],
): number {
  const allowed = new Set(authoritiesOf(workspace, name).flatMap(({ role }) => role.keyIDs));
  const signing = signers.filter(({ key }) => allowed.has(key.keyID));
  for (const signer of signing) metadata.sign((bytes) => signer.sign(bytes));
  return signing.length;
}

/** @throws RefusedError `RELEASE_UNSIGNED` */
export function requireQuorum(quorums: readonly Quorum[]): void {
  const open = quorums.find(({ isReached }) => !isReached);
  if (open === undefined) return;
  throw new RefusedError('RELEASE_UNSIGNED', 'A document is not signed by enough keys', {
    field: open.role,
    expected: `${open.threshold} signatures`,
    received: `${open.signed.length}; not yet signed by ${open.missing.map((id) => id.slice(0, 16)).join(', ')}`,
    remedy: 'sign it with another of these keys: `spikescope provision sign`',
  });
}

/** A changed document is no longer signed by anybody. */
export function unsigned<T extends Root | Targets>(metadata: Metadata<T>): Metadata<T> {
  metadata.signatures = {};
  return metadata;
}
