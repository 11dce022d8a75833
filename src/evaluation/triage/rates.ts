/** Sensitivity, specificity and what was missed, of all cases and of groups. */
import { type Question, type Share, sharesOf } from '../../statistics/shares.ts';
import type { JudgedCase } from './case.ts';
import type { TriageGroup, TriageRates } from './document.ts';
import { ATTRIBUTES, type Attribute, groupOf, groupsOf } from './groups.ts';

type Rate = Exclude<keyof TriageRates, 'images'>;
type Holds = (each: JudgedCase) => boolean;

/** Of which cases each rate is a share, and for which of them it holds. */
const RATES: Readonly<Record<Rate, readonly [among: Holds, holds: Holds]>> = {
  sensitivity: [({ isMalignant }) => isMalignant, ({ triage }) => triage === 'refer'],
  watchedSensitivity: [({ isWatched }) => isWatched, ({ triage }) => triage === 'refer'],
  specificity: [({ isMalignant }) => !isMalignant, ({ triage }) => triage === 'routine'],
  malignantRoutine: [({ isMalignant }) => isMalignant, ({ triage }) => triage === 'routine'],
  watchedRoutine: [({ isWatched }) => isWatched, ({ triage }) => triage === 'routine'],
  indeterminate: [() => true, ({ triage }) => triage === 'indeterminate'],
};
const NAMES = Object.keys(RATES) as readonly Rate[];

export interface GroupedRates {
  readonly overall: TriageRates;
  readonly groups: Readonly<Record<Attribute, readonly TriageGroup[]>>;
}

/** All rates of all cases and of every group, on the same resamples of the same lesions. */
export function ratesOf(cases: readonly JudgedCase[]): GroupedRates {
  const parts: readonly {
    readonly name: string;
    readonly attribute: Attribute | null;
    readonly holds: Holds;
  }[] = [
    { name: '', attribute: null, holds: () => true },
    ...ATTRIBUTES.flatMap((attribute) =>
      groupsOf(cases, attribute).map((name) => ({
        ...{ name, attribute },
        holds: (each: JudgedCase) => groupOf(each, attribute) === name,
      })),
    ),
  ];
  const shares = sharesOf(
    cases,
    parts.flatMap(({ holds }) => NAMES.map((rate) => questionOf(cases, rate, holds))),
  );
  const rates = parts.map((part, i) => ({
    ...part,
    rates: ratesFrom(cases.filter(part.holds).length, shares.slice(i * NAMES.length)),
  }));
  const of = (attribute: Attribute): TriageGroup[] =>
    rates.filter((part) => part.attribute === attribute).map((part) => ({ name: part.name, ...part.rates }));
  return {
    overall: rates[0].rates,
    groups: {
      sex: of('sex'),
      age: of('age'),
      bodySite: of('bodySite'),
      acquisitionSite: of('acquisitionSite'),
      skinTone: of('skinTone'),
    },
  };
}

function questionOf(cases: readonly JudgedCase[], rate: Rate, inGroup: Holds): Question {
  const [among, holds] = RATES[rate];
  return { among: (i) => inGroup(cases[i]) && among(cases[i]), holds: (i) => holds(cases[i]) };
}

function ratesFrom(images: number, shares: readonly Share[]): TriageRates {
  const [sensitivity, watchedSensitivity, specificity, malignantRoutine, watchedRoutine, indeterminate] =
    shares;
  return {
    images,
    ...{ sensitivity, watchedSensitivity, specificity },
    ...{ malignantRoutine, watchedRoutine, indeterminate },
  };
}
