import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classTableOf, riskOf, withBenign } from '../../../src/model/bundle/class-table.ts';
import { malignancyOf, nameable, triageOf } from '../../../src/runtime/inference/triage.ts';

const CLASSES = ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'];
const table = classTableOf({ graph: { classes: CLASSES } });
const rule = { malignant: ['akiec', 'bcc', 'mel'], threshold: 0.2 };
const context = { factoryClasses: CLASSES, table };

describe('malignancy', () => {
  it('is the sum over the classes that count as malignant, 0…1', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 7, maxLength: 7 }), (parts) => {
        const total = parts.reduce((sum, part) => sum + part, 0) || 1;
        const p = parts.map((part) => part / total);
        const malignancy = malignancyOf(rule, CLASSES, p, context);
        expect(malignancy).toBeCloseTo(p[0] + p[1] + p[4], 12);
        expect(malignancy).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('counts a class that was added here, of which nothing is known', () => {
    expect(malignancyOf(rule, [...CLASSES, 'scc'], [0, 0, 0, 0, 0, 0.6, 0, 0.4], context)).toBeCloseTo(
      0.4,
      12,
    );
  });
});

describe('a class that was added here and said to be benign', () => {
  const classes = [...CLASSES, 'scar'];
  const told = withBenign(table, ['scar']);

  it('does not count for malignancy, and may only be named where the lesion is routine', () => {
    const p = [0, 0, 0, 0, 0, 0.6, 0, 0.4];
    expect(malignancyOf(rule, classes, p, { factoryClasses: CLASSES, table: told })).toBe(0);
    expect(nameable(classes, 'routine', told).at(-1)).toBe(true);
    expect(nameable(classes, 'refer', told).at(-1)).toBe(false);
    expect(nameable(classes, 'refer', table).at(-1)).toBe(true);
  });

  it('changes nothing for a class that the bundle knows: a melanoma cannot be told to be benign', () => {
    expect(riskOf(withBenign(table, ['mel']), 'mel')).toBe('malignant');
    expect(withBenign(table, [])).toBe(table);
  });
});

describe('triage', () => {
  it('refers from the threshold on, whether the lesion is familiar or not', () => {
    expect([0.2, 0.9].map((malignancy) => triageOf(rule, malignancy, false))).toEqual(['refer', 'refer']);
    expect(triageOf(rule, 0.2, true)).toBe('refer');
  });

  it('is routine below it, but never for a lesion unlike those that training saw', () => {
    expect(triageOf(rule, 0.1999, true)).toBe('routine');
    expect(triageOf(rule, 0.1999, false)).toBe('indeterminate');
  });

  it('lets a class that reassures be named only where it is routine', () => {
    const named = (triage: 'refer' | 'routine' | 'indeterminate') =>
      CLASSES.filter((_, c) => nameable(CLASSES, triage, table)[c]);
    expect(named('routine')).toEqual(CLASSES);
    expect(named('refer')).toEqual(['akiec', 'bcc', 'mel']);
    expect(named('indeterminate')).toEqual(['akiec', 'bcc', 'mel']);
  });
});
