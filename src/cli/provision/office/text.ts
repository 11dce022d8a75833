import { openQuorums } from '../../../release/drafts.ts';
import type { RepositoryReport } from '../../../release/inspect.ts';
import type { Quorum } from '../../../release/signatures.ts';
import type { Workspace } from '../../../release/workspace.ts';
import { print, printJson } from '../../../ui/terminal/console.ts';

/** Says what was done, and what of the drafts is still to be signed. */
export function report(workspace: Workspace, json: boolean, done: Readonly<Record<string, unknown>>): void {
  const unsigned = openQuorums(workspace);
  if (json) {
    printJson({ ...done, drafts: workspace.drafts(), unsigned });
    return;
  }
  for (const [name, value] of Object.entries(done))
    print(`${name}: ${Array.isArray(value) ? value.join(', ') : value}`);
  print(`drafts: ${workspace.drafts().join(', ')}`);
  for (const quorum of unsigned) print(quorumText(quorum));
}

function quorumText({ role, version, signed, threshold, missing }: Quorum): string {
  const keys = missing.map((id) => id.slice(0, 16)).join(', ');
  return `${role} ${version}: ${signed.length} of ${threshold} signatures; not yet by ${keys}`;
}

export function reportText({ roles, targets }: RepositoryReport): string[] {
  return [
    ...roles.flatMap(({ role, version, expires, threshold, keys, draft }) => [
      `${role}: ${version === 0 ? 'not published' : `version ${version}, good until ${expires}`}`,
      `  ${threshold} of ${keys.map((id) => id.slice(0, 16)).join(', ')}`,
      ...(draft ?? []).map((quorum) => `  draft ${quorumText(quorum)}`),
    ]),
    ...targets.map(({ target, role, length, release }) => {
      const change = release?.change ? `, change ${release.change}` : '';
      return `${target}: ${length} bytes, by ${role}${change}`;
    }),
  ];
}
