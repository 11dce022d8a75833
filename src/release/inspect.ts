import type { Metadata, Targets } from '@tufjs/models';
import { parseRelease, type Release } from '../updates/release.ts';
import { type Quorum, quorumsOf } from './signatures.ts';
import type { Workspace } from './workspace.ts';

export interface RoleReport {
  readonly role: string;
  /** What is published; 0 for nothing. */
  readonly version: number;
  readonly expires: string | null;
  readonly threshold: number;
  /** Identifiers. */
  readonly keys: readonly string[];
  /** Signatures of the draft; null without one. */
  readonly draft: readonly Quorum[] | null;
}

export interface TargetReport {
  readonly target: string;
  readonly role: string;
  /** Bytes. */
  readonly length: number;
  readonly release: Release | null;
}

export interface RepositoryReport {
  readonly roles: readonly RoleReport[];
  readonly targets: readonly TargetReport[];
}

interface Holder {
  readonly keyIDs: readonly string[];
  readonly threshold: number;
}

/** What is in a repository, drafts included. It says what stands there, not whether a device would trust it. */
export function inspectRepository(workspace: Workspace): RepositoryReport {
  const root = workspace.newest('root')?.signed;
  const top = Object.entries(root?.roles ?? {}).map(([role, holder]) => reportOf(workspace, role, holder));
  const delegated = Object.entries(workspace.newest('targets')?.signed.delegations?.roles ?? {});
  return {
    roles: [...top, ...delegated.map(([role, holder]) => reportOf(workspace, role, holder))],
    targets: delegated.flatMap(([role]) => targetsIn(role, workspace.newest(role))),
  };
}

function reportOf(workspace: Workspace, role: string, { keyIDs, threshold }: Holder): RoleReport {
  const published = publishedOf(workspace, role);
  const draft = workspace.draft(role);
  return {
    role,
    version: published?.signed.version ?? 0,
    expires: published?.signed.expires ?? null,
    threshold,
    keys: keyIDs,
    draft: draft === null ? null : quorumsOf(workspace, role, draft),
  };
}

function publishedOf(workspace: Workspace, role: string) {
  if (role === 'timestamp') return workspace.publishedTimestamp();
  return role === 'snapshot' ? workspace.publishedSnapshot() : workspace.published(role);
}

function targetsIn(role: string, metadata: Metadata<Targets> | null): TargetReport[] {
  return Object.values(metadata?.signed.targets ?? {}).map((file) => {
    const release = parseRelease(file.custom);
    return {
      target: file.path,
      role,
      length: file.length,
      release: typeof release === 'string' ? null : release,
    };
  });
}
