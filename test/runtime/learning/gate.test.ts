/** The rules of the safety gate. A patient hangs on each of them. */
import { describe, expect, it } from 'vitest';
import type { LabelledEmbeddings, LearningSection } from '../../../src/model/bundle/learning-section.ts';
import { type Correction, noCorrection } from '../../../src/runtime/learning/correction.ts';
import { caseOf, gateCheck, holdOutFigures, TOLERANCE } from '../../../src/runtime/learning/gate.ts';

const CLASSES = ['a', 'b', 'c', 'd'] as const;
const FEATURES = 2;

/** Cases of which each names its class, and the class that the factory head takes it for. */
type Sight = readonly [label: number, named: number];

function setOf(sights: readonly Sight[]): LabelledEmbeddings {
  return {
    pooled: new Int16Array(sights.length * FEATURES),
    potentials: Int32Array.from(sights.flatMap(([, named]) => CLASSES.map((_, c) => (c === named ? 10 : 0)))),
    labels: Uint8Array.from(sights, ([label]) => label),
  };
}

function sectionOf(sights: readonly Sight[], watchedClass: string | null = null): LearningSection {
  const rehearsal = setOf([[0, 1]]);
  return { version: 1, features: FEATURES, watchedClass, guard: setOf(sights), rehearsal };
}

const factory = noCorrection(CLASSES, FEATURES);
const figuresOf = (sights: readonly Sight[], watched: string | null = null) =>
  holdOutFigures(sectionOf(sights, watched), factory);
/** So many cases of a class, so many of them named rightly; the others are taken for the next class. */
const seen = (label: number, cases: number, right: number): Sight[] =>
  Array.from({ length: cases }, (_, i) => [label, i < right ? label : (label + 1) % CLASSES.length]);

describe('the figures of a head', () => {
  it('count each class the same, whatever its number of cases', () => {
    const sights = [...seen(0, 10, 10), ...seen(1, 2, 1), ...seen(2, 4, 1), ...seen(3, 1, 0)];
    expect(figuresOf(sights).balancedAccuracy).toBeCloseTo((1 + 0.5 + 0.25 + 0) / 4, 12);
  });

  it('leave out classes without cases', () => {
    expect(figuresOf([...seen(0, 4, 3), ...seen(2, 4, 1)]).balancedAccuracy).toBeCloseTo(0.5, 12);
  });

  it.each(CLASSES.map((name, label) => [name, label] as const))(
    'hold the recall of the watched class and of no other, here %s',
    (name, watched) => {
      // Each class has a recall of its own: a tenth, two tenths and so on.
      const sights = CLASSES.flatMap((_, label) => seen(label, 10, label + 1));
      expect(figuresOf(sights, name).sensitivity).toBeCloseTo((watched + 1) / 10, 12);
    },
  );

  it('hold no sensitivity where no class is watched, or the watched one has no case', () => {
    expect(figuresOf(seen(0, 3, 3)).sensitivity).toBeNull();
    expect(figuresOf(seen(0, 3, 3), 'b').sensitivity).toBeNull();
  });

  it('hold a sensitivity of nothing where every case of the watched class is missed: that is no absence', () => {
    expect(figuresOf([...seen(0, 3, 3), ...seen(1, 3, 0)], 'b').sensitivity).toBe(0);
  });

  it('are of the head that is asked about, also of one that named a class by itself', () => {
    const sights = [...seen(0, 4, 4), ...seen(1, 4, 4)];
    const biased: Correction = { ...factory, bias: Int32Array.of(0, 20, 0, 0) };
    expect(holdOutFigures(sectionOf(sights, 'a'), biased)).toEqual({ balancedAccuracy: 0.5, sensitivity: 0 });
    const wider: Correction = {
      ...{ classes: [...CLASSES, 'new'], factoryClasses: CLASSES.length, features: FEATURES, shift: 0 },
      ...{ weights: new Int16Array(5 * FEATURES), bias: Int32Array.of(0, 0, 0, 0, 1) },
    };
    expect(holdOutFigures(sectionOf(sights, 'a'), wider)).toEqual({ balancedAccuracy: 0, sensitivity: 0 });
  });

  it('come from the hold-out set alone, case by case: what is replayed has no part in them', () => {
    const sights: Sight[] = [...seen(0, 2, 2), ...seen(3, 2, 2)];
    const { guard } = sectionOf(sights);
    const section = {
      ...sectionOf(sights, 'd'),
      guard: { ...guard, pooled: Int16Array.of(0, 0, 0, 0, 0, 0, 0, 3) },
    };
    // Only the last case has a feature that speaks against its class.
    const against: Correction = { ...factory, weights: Int16Array.of(0, 0, 0, 0, 0, 0, 0, -9), shift: 0 };
    expect(holdOutFigures(section, against)).toEqual({ balancedAccuracy: 0.75, sensitivity: 0.5 });
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

describe('the gate', () => {
  const at = (balancedAccuracy: number, sensitivity: number | null = null) => ({
    balancedAccuracy,
    sensitivity,
  });

  it('is one point wide', () => {
    expect(TOLERANCE).toBe(0.01);
  });

  it.each([0.25, 0.5, 0.75, 1])(
    'lets a head pass that lost exactly the tolerance, and none that lost more (from %d)',
    (before) => {
      const limit = before - TOLERANCE;
      const beyond = limit - Number.EPSILON;
      expect(gateCheck(at(before), at(limit), null)).toBeNull();
      expect(gateCheck(at(before), at(beyond), null)).not.toBeNull();
      expect(gateCheck(at(0.5, before), at(0.5, limit), 'mel')).toBeNull();
      expect(gateCheck(at(0.5, before), at(0.5, beyond), 'mel')).not.toBeNull();
    },
  );

  it('lets a head pass that is as good or better', () => {
    expect(gateCheck(at(0.5, 0.5), at(0.5, 0.5), 'mel')).toBeNull();
    expect(gateCheck(at(0.5, 0.5), at(0.9, 0.9), 'mel')).toBeNull();
  });

  it('weighs no gain against a loss: more right over all excuses no missed melanoma, nor the other way round', () => {
    expect(gateCheck(at(0.5, 0.9), at(1, 0.8), 'mel')).toMatch(/sensitivity for mel/);
    expect(gateCheck(at(0.5, 0.9), at(0.4, 1), 'mel')).toMatch(/balanced accuracy/);
  });

  it('takes a sensitivity of nothing for what it is', () => {
    expect(gateCheck(at(0.5, 0.9), at(0.5, 0), 'mel')).toMatch(/sensitivity for mel/);
    expect(gateCheck(at(0.5, 0), at(0.5, 0), 'mel')).toBeNull();
  });

  it('asks for no sensitivity where none is known', () => {
    expect(gateCheck(at(0.5), at(0.5), null)).toBeNull();
    expect(gateCheck(at(0.5, 0.9), at(0.5), 'mel')).toBeNull();
    expect(gateCheck(at(0.5), at(0.5, 0), 'mel')).toBeNull();
  });

  it('says what would be lost, from what, and what may be', () => {
    expect(gateCheck(at(0.8, 0.675), at(0.8, 0.65), 'mel')).toBe(
      'on the guard set sensitivity for mel would be 65.0 % instead of 67.5 %; at most 1.0 % below the factory head is allowed',
    );
    expect(gateCheck(at(0.8, 0.675), at(0.7, 0.65), 'mel')).toBe(
      'on the guard set balanced accuracy would be 70.0 % instead of 80.0 % and ' +
        'sensitivity for mel would be 65.0 % instead of 67.5 %; at most 1.0 % below the factory head is allowed',
    );
  });
});
