import type { Pulled, Taken } from '../../updates/pull/pull.ts';

/** What a pass came to; beside what `pull` tells, that there was no need or no leave to begin one. */
export type PassOutcome = Pulled | { readonly outcome: 'no-repository' | 'outside-window' };

const WORDS: Readonly<Record<Taken['outcome'], string>> = {
  staged: 'brought here and verified; it is not installed',
  pending: 'installed and proven; in use from the next start on',
  active: 'in use',
};

/** A pass in words: one line, and one for each release that was taken. */
export function pullText(passed: PassOutcome): string[] {
  switch (passed.outcome) {
    case 'no-repository':
      return ['no repository there: nothing was taken'];
    case 'outside-window':
      return ['outside of the hours in which this device asks: nothing was done'];
    case 'older':
      return [
        `older than this device: it has ${passed.received}, here is ${passed.expected}; nothing was taken`,
      ];
    case 'window-over':
      return [...passed.taken.map(line), 'the hours are over: the rest comes in the next of them'];
    default:
      return passed.taken.length === 0 ? ['up to date'] : passed.taken.map(line);
  }
}

function line({ target, outcome }: Taken): string {
  return `${target}: ${WORDS[outcome]}`;
}
