/** What may name a class on this device. Labels are codes of a list, never free text: nobody's name becomes a class. */
import { z } from 'zod';
import { SpikescopeError } from '../../errors.ts';
import type { ClassTable } from '../../model/bundle/class-table.ts';
import type { Risk } from '../../model/bundle/class-table-section.ts';
import { INDETERMINATE, RETAKE } from '../inference/head.ts';
import { MAXIMUM_CLASSES } from './state-file.ts';

const WELL_FORMED = 'a letter, then letters, digits and hyphens (ASCII), at most 32';

/** A code that may name a class that is added on the device. */
export const labelCodeSchema = z.string(WELL_FORMED).regex(/^[A-Za-z][A-Za-z0-9-]{0,31}$/, WELL_FORMED);

/** What labels are checked against. */
export interface LabelRules {
  /** The names that the model's classes have: nothing new may be taken for one of them. */
  readonly table: ClassTable;
  /** The codes that may be added on this device; undefined: any well-formed one. */
  readonly extraLabels?: readonly string[] | undefined;
}

/**
 * Why a label cannot name a class, said as what was expected; null where it can. A class that there is may have any name.
 */
export function labelProblem(
  label: string,
  classes: readonly string[],
  { table, extraLabels }: LabelRules,
): string | null {
  if (classes.includes(label)) return null;
  if (extraLabels !== undefined && !extraLabels.includes(label)) {
    return `one of ${[...classes, ...extraLabels].join(', ')}`;
  }
  if (!labelCodeSchema.safeParse(label).success) return `a class of the model, or a new code: ${WELL_FORMED}`;
  const own = skeletonOf(label);
  if ([RETAKE, INDETERMINATE].some((answer) => skeletonOf(answer) === own)) {
    return `neither ${RETAKE} nor ${INDETERMINATE}, nor what looks like them`;
  }
  const twin = classes.find((name) => textsOf(name, table).some((text) => skeletonOf(text) === own));
  return twin === undefined ? null : `${twin}, the class that this looks like`;
}

/**
 * A label that can name a class. What was received is not repeated in the error, which is shown and logged: it may be
 * a person's name.
 * @throws SpikescopeError `LABEL_INVALID`, `LABEL_LIMIT` when no further class can be added
 */
export function checkedLabel(label: string, classes: readonly string[], rules: LabelRules): string {
  const expected = labelProblem(label, classes, rules);
  if (expected !== null) {
    throw new SpikescopeError('LABEL_INVALID', 'This label cannot name a class', {
      expected,
      received: `another text, of length ${label.length}`,
    });
  }
  if (!classes.includes(label) && classes.length >= MAXIMUM_CLASSES) {
    throw new SpikescopeError('LABEL_LIMIT', 'No further class can be added', {
      expected: `at most ${MAXIMUM_CLASSES} classes`,
      received: 'one more',
    });
  }
  return label;
}

/**
 * What is said of a class's risk may not contradict how triage takes it: it is said once, with the first case.
 * @throws SpikescopeError `LABEL_RISK`
 */
export function checkRisk(name: string, risk: Risk | undefined, countsAsBenign: boolean): void {
  if (risk === undefined || (risk === 'benign') === countsAsBenign) return;
  throw new SpikescopeError('LABEL_RISK', 'The risk of a class that is there does not change', {
    field: name,
    expected: countsAsBenign ? 'benign' : 'malignant or premalignant',
    received: risk,
    remedy: 'leave the risk out, or take back what was learned of the class and add it again',
  });
}

/** What a class is called: its own name, and its display names in every language. */
function textsOf(name: string, table: ClassTable): string[] {
  return [name, ...Object.values(table.get(name)?.names ?? {})];
}

/** Two texts of one skeleton look alike, as in Unicode's UTS #39: here also without case, accents, blanks and hyphens. */
function skeletonOf(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\p{M}\s_.-]/gu, '')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll('0', 'o')
    .replace(/[1i|]/g, 'l');
}
