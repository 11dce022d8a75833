/** Kinds of people, lesions and pictures by which triage is measured apart. */

import type { JudgedCase } from './case.ts';
import { SKIN_TONES, skinToneBand } from './skin-tone.ts';

export const ATTRIBUTES = ['sex', 'age', 'bodySite', 'acquisitionSite', 'skinTone'] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

/** Of an image of which it is not known. */
export const NOT_KNOWN = 'not known';

const AGE_BANDS = [
  { from: 0, name: 'under 30' },
  { from: 30, name: '30 to 44' },
  { from: 45, name: '45 to 59' },
  { from: 60, name: '60 to 74' },
  { from: 75, name: '75 and over' },
] as const;

/** The group of a case by an attribute. */
export function groupOf({ attributes, skinTone }: JudgedCase, attribute: Attribute): string {
  switch (attribute) {
    case 'age':
      return attributes.age === null ? NOT_KNOWN : ageBand(attributes.age);
    case 'skinTone':
      return skinTone === null ? NOT_KNOWN : skinToneBand(skinTone);
    default:
      return attributes[attribute] ?? NOT_KNOWN;
  }
}

function ageBand(age: number): string {
  return AGE_BANDS.findLast(({ from }) => age >= from)?.name ?? NOT_KNOWN;
}

/** The groups that cases belong to: bands in their own order, other names by the alphabet, what is not known last. */
export function groupsOf(cases: readonly JudgedCase[], attribute: Attribute): string[] {
  const names = new Set(cases.map((each) => groupOf(each, attribute)));
  const bands = [...AGE_BANDS, ...SKIN_TONES].map(({ name }) => name as string);
  const rank = (name: string) => (name === NOT_KNOWN ? bands.length : bands.indexOf(name));
  return [...names].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}
