import type { Target, TargetReport } from '../../conversion/targets/check.ts';
import { RefusedError } from '../../errors.ts';

/**
 * @throws RefusedError `TARGET_UNMAPPED`, naming every node that does not map and why, unless the caller accepted that
 * parts stay on the host
 */
export function requireTarget(
  { targets }: { readonly targets: Readonly<Record<string, TargetReport>> },
  target: Target,
  allowHost: boolean,
): void {
  const { maps, unmapped } = targets[target];
  if (maps || allowHost) return;
  const lines = unmapped.map(({ node, reason }) => `  ${node}: ${reason}`);
  throw new RefusedError(
    'TARGET_UNMAPPED',
    `The network does not map on ${target} as a whole:\n${lines.join('\n')}\n`,
    {
      received: `${unmapped.length} nodes that would run on the host`,
      remedy: 'train a variant that maps whole, or write the bundle for --target cpu',
    },
  );
}
