/** A diagnosis in colour and words: one rule for every command that shows one. */
import { printable } from '../../errors.ts';
import type { Triage } from '../../model/answers.ts';
import { type ClassTable, displayNameOf, riskOf } from '../../model/bundle/class-table.ts';
import { colour } from './console.ts';

/** What a head answers beside classes, in words. */
const ANSWERS: Readonly<Record<string, string>> = {
  indeterminate: 'no class can be named',
  retake: 'take the frame again',
};

export type Tone = 'red' | 'yellow' | 'green';

/** What the rule looks at. */
export interface Diagnosis {
  readonly diagnosis: string;
  readonly accepted: boolean;
}

/**
 * Red: malignant or premalignant, one colour for both, since either has to be seen to. Green: benign, and nothing
 * else. Yellow: all that says nothing of the lesion's risk: no reading, no class probable enough, a class of unknown risk.
 */
export function toneOf({ diagnosis, accepted }: Diagnosis, table: ClassTable): Tone {
  if (!accepted || Object.hasOwn(ANSWERS, diagnosis)) return 'yellow';
  switch (riskOf(table, diagnosis)) {
    case 'malignant':
    case 'premalignant':
      return 'red';
    case 'benign':
      return 'green';
    case 'unknown':
      return 'yellow';
  }
}

const TRIAGE_TONES: Readonly<Record<Triage, Tone>> = {
  refer: 'red',
  routine: 'green',
  indeterminate: 'yellow',
};
/** What each asks for, in words. */
const TRIAGE_WORDS: Readonly<Record<Triage, string>> = {
  refer: 'to be seen by a specialist',
  routine: 'nothing in it asks for a specialist',
  indeterminate: 'the picture does not say',
};

/** A triage in its colour, bold. */
export function paintedTriage(text: string, triage: Triage): string {
  return colour[TRIAGE_TONES[triage]](colour.bold(text));
}

export function triageWords(triage: Triage): string {
  return TRIAGE_WORDS[triage];
}

/** A text about a diagnosis in its colour, bold. */
export function painted(text: string, diagnosis: Diagnosis, table: ClassTable): string {
  return colour[toneOf(diagnosis, table)](colour.bold(text));
}

/** The diagnosis in words, for beside its code: its name, and that its risk is unknown where it is. */
export function wordsOf(diagnosis: string, table: ClassTable): string {
  if (Object.hasOwn(ANSWERS, diagnosis)) return ANSWERS[diagnosis];
  const name = displayNameOf(table, diagnosis);
  const risk = riskOf(table, diagnosis) === 'unknown' ? 'risk unknown' : null;
  return printable([name, risk].filter((part) => part !== null).join(', '));
}
