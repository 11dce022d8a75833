/** What a head makes of the hold-out set. A patient hangs on each of these figures. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LabelledEmbeddings, LearningSection } from '../../../src/model/bundle/learning-section.ts';
import { softmax } from '../../../src/runtime/inference/readout.ts';
import { type Correction, noCorrection } from '../../../src/runtime/learning/correction.ts';
import { caseOf, HoldOut } from '../../../src/runtime/learning/hold-out.ts';

const CLASSES = ['a', 'b', 'c', 'd'] as const;
const FEATURES = 2;
const ALPHA = 0.1;
/** Logits; the scatter of a lesion's photographs makes of one logit this much. */
const smooth = (logits: number) => 1 / (1 + Math.exp(-1.6 * logits));
const logit = (share: number) => Math.log(share / (1 - share));

/** Cases of which each names its class, and the class that the factory head takes it for, ten potentials ahead. */
type Sight = readonly [label: number, named: number];

function setOf(sights: readonly Sight[]): LabelledEmbeddings {
  return {
    pooled: new Int16Array(sights.length * FEATURES),
    potentials: Int32Array.from(sights.flatMap(([, named]) => CLASSES.map((_, c) => (c === named ? 10 : 0)))),
    labels: Uint8Array.from(sights, ([label]) => label),
  };
}

interface Told {
  readonly watched?: string | null;
  readonly guard?: LabelledEmbeddings;
  /** Malignancy from which a lesion is referred; a and b are malignant. */
  readonly threshold?: number;
}

function holdOut(sights: readonly Sight[], { watched = null, guard = setOf(sights), threshold }: Told = {}) {
  const section: LearningSection = {
    ...{ version: 1, features: FEATURES, watchedClass: watched, guard, rehearsal: setOf([[0, 1]]) },
  };
  const rule = { malignant: ['a', 'b'], threshold: threshold ?? 0 };
  const bundle = {
    graph: { classes: [...CLASSES] },
    readout: { alpha: ALPHA },
    ...(threshold !== undefined && { triage: rule }),
  };
  return new HoldOut(bundle, section);
}

const factory = noCorrection(CLASSES, FEATURES);
const counted = (sights: readonly Sight[], told: Told = {}, head: Correction = factory) =>
  holdOut(sights, told).judge(head).counted;
const smoothed = (sights: readonly Sight[], told: Told = {}, head: Correction = factory) =>
  holdOut(sights, told).judge(head).smoothed;
const biased = (...bias: number[]): Correction => ({ ...factory, bias: Int32Array.from(bias) });
/** The factory head, and of an added class the largest factory potential plus so much. */
const wider = (lead: number, benign: readonly string[] = []): Correction => ({
  ...{ classes: [...CLASSES, 'new'], factoryClasses: CLASSES.length, benign, features: FEATURES, shift: 0 },
  ...{ weights: new Int16Array(5 * FEATURES), bias: Int32Array.of(0, 0, 0, 0, lead) },
});
/** So many cases of a class, so many of them named rightly; the others are taken for the next class. */
const seen = (label: number, cases: number, right: number): Sight[] =>
  Array.from({ length: cases }, (_, i) => [label, i < right ? label : (label + 1) % CLASSES.length]);

describe('the counted figures of a head', () => {
  it('count each class the same, whatever its number of cases', () => {
    const sights = [...seen(0, 10, 10), ...seen(1, 2, 1), ...seen(2, 4, 1), ...seen(3, 1, 0)];
    expect(counted(sights).balancedAccuracy).toBeCloseTo((1 + 0.5 + 0.25 + 0) / 4, 12);
  });

  it('leave out classes without cases', () => {
    expect(counted([...seen(0, 4, 3), ...seen(2, 4, 1)]).balancedAccuracy).toBeCloseTo(0.5, 12);
  });

  it.each(CLASSES.map((name, label) => [name, label] as const))(
    'hold the recall of the watched class and of no other, here %s',
    (name, label) => {
      // Each class has a recall of its own: a tenth, two tenths and so on.
      const sights = CLASSES.flatMap((_, each) => seen(each, 10, each + 1));
      expect(counted(sights, { watched: name }).sensitivity).toBeCloseTo((label + 1) / 10, 12);
    },
  );

  it('hold no sensitivity where no class is watched, or the watched one has no case', () => {
    expect(counted(seen(0, 3, 3)).sensitivity).toBeNull();
    expect(counted(seen(0, 3, 3), { watched: 'b' }).sensitivity).toBeNull();
  });

  it('hold a sensitivity of nothing where every case of the watched class is missed: that is no absence', () => {
    expect(counted([...seen(0, 3, 3), ...seen(1, 3, 0)], { watched: 'b' }).sensitivity).toBe(0);
  });

  it('are of the head that is asked about, also of one that named a class by itself', () => {
    const sights = [...seen(0, 4, 4), ...seen(1, 4, 4)];
    expect(counted(sights, { watched: 'a' }, biased(0, 20, 0, 0))).toEqual({
      ...{ balancedAccuracy: 0.5, sensitivity: 0 },
    });
    expect(counted(sights, { watched: 'a' }, wider(1))).toEqual({ balancedAccuracy: 0, sensitivity: 0 });
  });

  it('come from the hold-out set alone, case by case: what is replayed has no part in them', () => {
    const sights: Sight[] = [...seen(0, 2, 2), ...seen(3, 2, 2)];
    const guard = { ...setOf(sights), pooled: Int16Array.of(0, 0, 0, 0, 0, 0, 0, 3) };
    // Only the last case has a feature that speaks against its class.
    const against: Correction = { ...factory, weights: Int16Array.of(0, 0, 0, 0, 0, 0, 0, -9) };
    expect(counted(sights, { watched: 'd', guard }, against)).toEqual({
      ...{ balancedAccuracy: 0.75, sensitivity: 0.5 },
    });
  });
});

describe('the sensitivity of triage', () => {
  /** Malignancy of a case that is named malignant, ten potentials ahead, and of one that is named benign. */
  const malignancyAt = (named: number) => {
    const [a, b] = softmax(
      ALPHA,
      CLASSES.map((_, c) => (c === named ? 10 : 0)),
    );
    return a + b;
  };
  const [high, low] = [malignancyAt(0), malignancyAt(2)];

  it('is there where the bundle triages, and nowhere else', () => {
    expect(counted(seen(0, 2, 2), { watched: 'a' })).not.toHaveProperty('triageSensitivity');
    expect(counted(seen(0, 2, 2), { threshold: 0.5 })).toMatchObject({ triageSensitivity: 1 });
  });

  it('is the share of malignant cases that are referred, from the threshold on, whichever class they are named', () => {
    // a is taken for b in two cases of four, which is malignant too; b is taken for c in one of two.
    const sights = [...seen(0, 4, 2), ...seen(1, 2, 1), ...seen(2, 5, 0)];
    expect(counted(sights, { watched: 'b', threshold: 0.5 })).toMatchObject({
      ...{ triageSensitivity: 5 / 6, watchedTriageSensitivity: 0.5 },
    });
    expect(counted(sights, { watched: 'a', threshold: low })).toMatchObject({
      ...{ triageSensitivity: 1, watchedTriageSensitivity: 1 },
    });
    const above = high + 1e-12;
    expect(counted(sights, { watched: 'a', threshold: above })).toMatchObject({ triageSensitivity: 0 });
  });

  it('of the watched class is asked for where that class is malignant, and has a case', () => {
    const sights = [...seen(0, 2, 2), ...seen(2, 2, 2)];
    expect(counted(sights, { threshold: 0.5 })).toMatchObject({ watchedTriageSensitivity: null });
    expect(counted(sights, { watched: 'b', threshold: 0.5 })).toMatchObject({
      watchedTriageSensitivity: null,
    });
    expect(counted(sights, { watched: 'c', threshold: 0.5 })).toMatchObject({
      watchedTriageSensitivity: null,
    });
    expect(counted(seen(2, 2, 2), { threshold: 0.5 })).toMatchObject({ triageSensitivity: null });
  });

  it('counts an added class as malignant, unless it was said to be benign', () => {
    const told = { threshold: 0.5 };
    expect(counted(seen(1, 4, 0), told)).toMatchObject({ triageSensitivity: 0 });
    expect(counted(seen(1, 4, 0), told, wider(20))).toMatchObject({ triageSensitivity: 1 });
    expect(counted(seen(0, 4, 4), told, wider(20))).toMatchObject({ triageSensitivity: 1 });
    expect(counted(seen(0, 4, 4), told, wider(20, ['new']))).toMatchObject({ triageSensitivity: 0 });
  });

  it('is smoothed by the distance of the malignancy from the threshold, in logits', () => {
    const expected = smooth(logit(high) - logit(0.3));
    expect(smoothed(seen(0, 3, 3), { threshold: 0.3 }).triageSensitivity).toBeCloseTo(expected, 9);
    const missed = smooth(logit(low) - logit(0.9));
    expect(smoothed(seen(1, 3, 0), { threshold: 0.9 }).triageSensitivity).toBeCloseTo(missed, 9);
  });

  it('is finite at thresholds of 0 and 1', () => {
    expect(smoothed(seen(0, 3, 3), { threshold: 0 }).triageSensitivity).toBeCloseTo(1, 6);
    expect(smoothed(seen(0, 3, 3), { threshold: 1 }).triageSensitivity).toBeCloseTo(0, 6);
  });
});

describe('the smoothed figures of a head', () => {
  it('weigh each case by the lead of its class over the best other, in logits', () => {
    const leading = smooth(10 * ALPHA);
    const trailing = smooth(-10 * ALPHA);
    const sights = [...seen(0, 2, 1), ...seen(1, 1, 1)];
    const { balancedAccuracy, sensitivity } = smoothed(sights, { watched: 'a' });
    expect(sensitivity).toBeCloseTo((leading + trailing) / 2, 12);
    expect(balancedAccuracy).toBeCloseTo(((leading + trailing) / 2 + leading) / 2, 12);
    expect(smoothed(seen(0, 1, 1), { watched: 'a' }, biased(0, 0, 4, 7)).sensitivity).toBeCloseTo(
      smooth(3 * ALPHA),
      12,
    );
  });

  it('change by a hair where a case passes the boundary by a hair, as the counted ones do not', () => {
    const sights = seen(0, 4, 4);
    const [before, after] = [biased(0, 10, 0, 0), biased(0, 11, 0, 0)];
    expect(counted(sights, {}, before).balancedAccuracy - counted(sights, {}, after).balancedAccuracy).toBe(
      1,
    );
    const lost = smoothed(sights, {}, before).balancedAccuracy - smoothed(sights, {}, after).balancedAccuracy;
    expect(lost).toBeCloseTo(smooth(0) - smooth(-ALPHA), 12);
  });
});

describe('what one case can take', () => {
  it('is its share of each figure, of the rarest class for balanced accuracy', () => {
    const sights = [...seen(0, 10, 10), ...seen(1, 5, 5), ...seen(2, 4, 4)];
    expect(holdOut(sights, { watched: 'b', threshold: 0.5 }).grain).toEqual({
      ...{ balancedAccuracy: 1 / 12, sensitivity: 1 / 5 },
      ...{ triageSensitivity: 1 / 15, watchedTriageSensitivity: 1 / 5 },
    });
    expect(holdOut(seen(2, 4, 4)).grain).toEqual({ balancedAccuracy: 1 / 4, sensitivity: null });
  });

  it('bounds what a change of one case takes', () => {
    const label = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(label, label), { minLength: 1, maxLength: 30 }),
        fc.nat(),
        label,
        (all, at, to) => {
          const i = at % all.length;
          const told = { watched: 'b', threshold: 0.5 };
          const changed = all.map((sight, j): Sight => (j === i ? [sight[0], to] : sight));
          const grain = new Map(Object.entries(holdOut(all, told).grain));
          const before = new Map(Object.entries(counted(all, told)));
          for (const [figure, after] of Object.entries(counted(changed, told))) {
            const difference = Math.abs((before.get(figure) ?? 0) - (after ?? 0));
            expect(difference).toBeLessThanOrEqual((grain.get(figure) ?? 0) + 1e-9);
          }
        },
      ),
    );
  });
});

describe('a case of a set', () => {
  it('is its own features, potentials and label', () => {
    const set = {
      ...{ pooled: Int16Array.of(1, 2, 3, 4, 5, 6), potentials: Int32Array.of(7, 8, 9, 10, 11, 12) },
      labels: Uint8Array.of(0, 1, 0),
    };
    expect(caseOf(set, 1, 2)).toEqual({
      ...{ pooled: Int16Array.of(3, 4), potentials: Int32Array.of(9, 10), label: 1 },
    });
  });
});
