/** How often a benign class is not named because triage is not `routine`, and what is said in its place. */
import { type Question, sharesOf } from '../../statistics/shares.ts';
import type { TriageCase } from './case.ts';
import type { Withheld } from './document.ts';

/** @param reassuring classes that are known to be benign */
export function withheldOf(cases: readonly TriageCase[], reassuring: readonly string[]): Withheld {
  const isWithheld = ({ named, unguarded }: TriageCase) => named !== unguarded;
  const question = (
    among: (each: TriageCase) => boolean,
    holds: (each: TriageCase) => boolean,
  ): Question => ({
    among: (i) => among(cases[i]),
    holds: (i) => holds(cases[i]),
  });
  const [all, watchedReassured, watchedReassuredUnguarded, ...byName] = sharesOf(cases, [
    question(() => true, isWithheld),
    question(
      ({ isWatched }) => isWatched,
      ({ named }) => reassuring.includes(named),
    ),
    question(
      ({ isWatched }) => isWatched,
      ({ unguarded }) => reassuring.includes(unguarded),
    ),
    ...reassuring.map((name) => question(({ unguarded }) => unguarded === name, isWithheld)),
  ]);
  const instead: Record<string, number> = {};
  for (const { named } of cases.filter(isWithheld)) instead[named] = (instead[named] ?? 0) + 1;
  return {
    all,
    byName: Object.fromEntries(reassuring.map((name, i) => [name, byName[i]])),
    instead,
    watchedReassured,
    watchedReassuredUnguarded,
  };
}
