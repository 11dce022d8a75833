import type { TargetRules } from './target.ts';

/** The integer engine runs every node of a valid integer graph. */
export const CPU: TargetRules = {
  mapped: 'cpu',
  bits: 8,
  reasonsAgainst: () => [],
  reasonsAgainstHead: () => [],
};
