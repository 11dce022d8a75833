/** From probabilities to what to do with the patient (docs/design/readout.md). */
import type { Triage } from '../../model/answers.ts';
import { type ClassTable, riskOf } from '../../model/bundle/class-table.ts';

/** What a lesion may be and what that asks for. */
export interface TriageRule {
  /** Classes of the factory head that count as malignant. */
  readonly malignant: readonly string[];
  /** Malignancy from which a lesion is referred, 0…1. */
  readonly threshold: number;
}

/**
 * The probability that the lesion has to be seen to: the sum over the classes that count as malignant. A class that was
 * added on the device counts unless its risk is known to be benign.
 * @param classes in the order of `probabilities`
 * @param factoryClasses those that the rule was made for
 */
export function malignancyOf(
  { malignant }: Pick<TriageRule, 'malignant'>,
  classes: readonly string[],
  probabilities: readonly number[],
  { factoryClasses, table }: { readonly factoryClasses: readonly string[]; readonly table: ClassTable },
): number {
  const isCounted = (name: string) =>
    factoryClasses.includes(name) ? malignant.includes(name) : riskOf(table, name) !== 'benign';
  const sum = probabilities.reduce((total, p, c) => (isCounted(classes[c]) ? total + p : total), 0);
  return Math.min(sum, 1);
}

/** @param isFamiliar whether the lesion is like those that the rule was made with; one that is not is never routine */
export function triageOf({ threshold }: TriageRule, malignancy: number, isFamiliar: boolean): Triage {
  if (malignancy >= threshold) return 'refer';
  return isFamiliar ? 'routine' : 'indeterminate';
}

/** Which classes may be named: none that reassures, unless the lesion is routine. */
export function nameable(classes: readonly string[], triage: Triage, table: ClassTable): boolean[] {
  return classes.map((name) => triage === 'routine' || riskOf(table, name) !== 'benign');
}
