import { printable } from '../../errors.ts';
import type { ClassTable } from '../../model/bundle/class-table.ts';
import { INDETERMINATE } from '../../runtime/inference/head.ts';
import type { Reading } from '../../runtime/inference/reading.ts';
import { painted, paintedTriage, wordsOf } from '../../ui/terminal/class-text.ts';
import { colour } from '../../ui/terminal/console.ts';
import { reasonsInWords, UNFAMILIAR } from '../../ui/terminal/reason-text.ts';
import type { Outcome } from './outcome.ts';

const PATH_WIDTH = 36;
const DIAGNOSIS_WIDTH = INDETERMINATE.length;
const BAR_WIDTH = 20;
/** Classes shown beside the bar, the most probable first. */
const SHOWN_CLASSES = 3;

/**
 * The line of an outcome for people: file, diagnosis, a bar for the largest probability, the leading classes, the diagnosis
 * in words.
 * @param table of the model that read it
 */
export function lineOf(outcome: Outcome, table: ClassTable): string {
  const name = aligned(printable(outcome.path));
  if ('refusal' in outcome) {
    return `${name}  ${colour.red(padded('refused'))}  ${printable(outcome.refusal.describe())}`;
  }
  const { reading } = outcome;
  const label = painted(padded(printable(reading.diagnosis)), reading, table);
  if (!reading.accepted) {
    return `${name}  ${triageColumn(reading)}${label}  ${reasonsInWords(reading.reasons)}`;
  }
  const triage = triageColumn(reading);
  const words = [
    ...(reading.tiled ? ['in tiles'] : []),
    ...(reading.unfamiliar ? [UNFAMILIAR] : []),
    colour.dim(wordsOf(reading.diagnosis, table)),
  ];
  return `${name}  ${triage}${label}  ${probabilitiesOf(reading)}  ${words.join('  ')}`;
}

/** Empty where the model does not triage. */
function triageColumn({ triage }: Reading): string {
  if (triage === undefined) return '';
  return `${triage === null ? padded('') : paintedTriage(padded(triage), triage)}  `;
}

function padded(word: string): string {
  return word.padEnd(DIAGNOSIS_WIDTH);
}

function probabilitiesOf({ probabilities }: Reading): string {
  const leading = Object.entries(probabilities)
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN_CLASSES);
  const filled = Math.round((leading[0]?.[1] ?? 0) * BAR_WIDTH);
  const bar = '█'.repeat(filled) + colour.dim('░'.repeat(BAR_WIDTH - filled));
  return `${bar}  ${leading.map(([name, p]) => `${printable(name)} ${p.toFixed(2)}`).join('  ')}`;
}

/** Exactly PATH_WIDTH characters: padded, or without its beginning. */
function aligned(text: string): string {
  return text.length <= PATH_WIDTH ? text.padEnd(PATH_WIDTH) : `…${text.slice(1 - PATH_WIDTH)}`;
}
