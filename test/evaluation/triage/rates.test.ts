import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TriageCase } from '../../../src/evaluation/triage/case.ts';
import { ATTRIBUTES, groupOf, groupsOf, NOT_KNOWN } from '../../../src/evaluation/triage/groups.ts';
import { ratesOf } from '../../../src/evaluation/triage/rates.ts';
import { withheldOf } from '../../../src/evaluation/triage/withheld.ts';
import { TRIAGES } from '../../../src/model/answers.ts';

const option = <Value>(values: readonly Value[]) => fc.option(fc.constantFrom(...values), { nil: null });

const cases: fc.Arbitrary<TriageCase[]> = fc.array(
  fc
    .record({
      truth: fc.constantFrom('mel', 'bcc', 'nv', 'df'),
      triage: fc.constantFrom(...TRIAGES),
      malignancy: fc.double({ min: 0, max: 1, noNaN: true }),
      unguarded: fc.constantFrom('mel', 'nv', 'df', 'indeterminate'),
      group: option(['a', 'b', 'c', 'd', 'e']),
      attributes: fc.record({
        age: option([0, 29, 30, 44, 59.5, 75, 90]),
        sex: option(['female', 'male']),
        bodySite: option(['back', 'ear']),
        acquisitionSite: option(['one', 'two', 'three']),
      }),
      skinTone: option([70, 45, 30, 15, 0, -50]),
    })
    .map((each) => ({
      ...each,
      isMalignant: each.truth === 'mel' || each.truth === 'bcc',
      isWatched: each.truth === 'mel',
      named: each.triage === 'routine' || each.unguarded === 'mel' ? each.unguarded : 'indeterminate',
    })),
  { minLength: 1, maxLength: 30 },
);

const share = (list: readonly TriageCase[], holds: (each: TriageCase) => boolean) =>
  list.length === 0 ? null : list.filter(holds).length / list.length;

describe('the rates of triage', () => {
  it('are what counting gives, for all and for each group', () => {
    fc.assert(
      fc.property(cases, (list) => {
        const { overall, groups } = ratesOf(list);
        const parts = [
          { rates: overall, members: list },
          ...ATTRIBUTES.flatMap((attribute) =>
            groups[attribute].map((rates) => ({
              rates,
              members: list.filter((each) => groupOf(each, attribute) === rates.name),
            })),
          ),
        ];
        for (const { rates, members } of parts) {
          const malignant = members.filter(({ truth }) => truth === 'mel' || truth === 'bcc');
          const melanomas = members.filter(({ truth }) => truth === 'mel');
          const benign = members.filter(({ isMalignant }) => !isMalignant);
          expect(rates.images).toBe(members.length);
          expect(rates.sensitivity.value).toBe(share(malignant, ({ triage }) => triage === 'refer'));
          expect(rates.watchedSensitivity.value).toBe(share(melanomas, ({ triage }) => triage === 'refer'));
          expect(rates.specificity.value).toBe(share(benign, ({ triage }) => triage === 'routine'));
          expect(rates.malignantRoutine.value).toBe(share(malignant, ({ triage }) => triage === 'routine'));
          expect(rates.watchedRoutine.value).toBe(share(melanomas, ({ triage }) => triage === 'routine'));
          expect(rates.indeterminate.value).toBe(share(members, ({ triage }) => triage === 'indeterminate'));
        }
      }),
      { numRuns: 10 },
    );
  });

  it('leave nobody out: the groups of an attribute hold every case once', () => {
    fc.assert(
      fc.property(cases, (list) => {
        for (const attribute of ATTRIBUTES) {
          const names = groupsOf(list, attribute);
          expect(new Set(names).size).toBe(names.length);
          const sizes = names.map((name) => list.filter((each) => groupOf(each, attribute) === name).length);
          expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(list.length);
          if (names.includes(NOT_KNOWN)) expect(names.at(-1)).toBe(NOT_KNOWN);
        }
      }),
    );
  });

  it('have bands of age and of skin tone in their own order', () => {
    fc.assert(
      fc.property(cases, (list) => {
        const ages = ['under 30', '30 to 44', '45 to 59', '60 to 74', '75 and over', NOT_KNOWN];
        const tones = ['very light', 'light', 'intermediate', 'tan', 'brown', 'dark', NOT_KNOWN];
        for (const [attribute, order] of [
          ['age', ages],
          ['skinTone', tones],
        ] as const) {
          const places = groupsOf(list, attribute).map((name) => order.indexOf(name));
          expect(places).toEqual([...places].sort((a, b) => a - b));
          expect(places).not.toContain(-1);
        }
      }),
    );
  });
});

describe('names that are withheld', () => {
  it('are counted by the name that would have been given, and by what is said instead', () => {
    fc.assert(
      fc.property(cases, (list) => {
        const { all, byName, instead, watchedReassured, watchedReassuredUnguarded } = withheldOf(list, [
          'nv',
          'df',
        ]);
        const withheld = list.filter(({ named, unguarded }) => named !== unguarded);
        expect(all.hits).toBe(withheld.length);
        for (const name of ['nv', 'df']) {
          expect(byName[name].images).toBe(list.filter(({ unguarded }) => unguarded === name).length);
          expect(byName[name].hits).toBe(withheld.filter(({ unguarded }) => unguarded === name).length);
        }
        expect(Object.values(instead).reduce((sum, count) => sum + count, 0)).toBe(withheld.length);
        expect(watchedReassured.hits).toBeLessThanOrEqual(watchedReassuredUnguarded.hits);
        expect(watchedReassured.images).toBe(list.filter(({ isWatched }) => isWatched).length);
      }),
      { numRuns: 20 },
    );
  });
});
