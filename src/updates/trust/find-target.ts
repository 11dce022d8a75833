import type { TargetFile } from '@tufjs/models';
import type { Refresh } from './refresh.ts';

/** Roles that are visited at most for one target. */
const MAXIMUM_DELEGATIONS = 32;

export interface FoundTarget {
  readonly file: TargetFile;
  /** The role that answers for it. */
  readonly role: string;
}

interface Step {
  readonly role: string;
  readonly delegator: string;
}

/**
 * The target of a path in the role of the greatest trust that has it (§5.6.7): before what it delegates, in the order in
 * which it does, and no further than a delegation that ends the search.
 * @returns null where no role has it
 * @throws TrustError @throws SpikescopeError `SOURCE_*`
 */
export async function findTarget(refresh: Refresh, path: string): Promise<FoundTarget | null> {
  const visited = new Set<string>();
  const ahead: Step[] = [{ role: 'targets', delegator: 'root' }];
  while (visited.size <= MAXIMUM_DELEGATIONS) {
    const step = ahead.pop();
    if (step === undefined) return null;
    const { role } = step;
    if (visited.has(role)) continue;
    if (role !== 'targets') await refresh.loadTargets(role, step.delegator);
    const targets = refresh.set.targetsOf(role);
    if (targets === undefined) continue;
    if (Object.hasOwn(targets.targets, path)) return { file: targets.targets[path], role };
    visited.add(role);
    const next: Step[] = [];
    for (const delegated of targets.delegations?.rolesForTarget(path) ?? []) {
      next.push({ role: delegated.role, delegator: role });
      if (delegated.terminating) {
        ahead.length = 0;
        break;
      }
    }
    ahead.push(...next.reverse());
  }
  return null;
}
