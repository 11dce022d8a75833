import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpikescopeError } from '../../../src/errors.ts';
import { classTableOf } from '../../../src/model/bundle/class-table.ts';
import { checkedLabel, labelProblem } from '../../../src/runtime/learning/label.ts';
import { MAXIMUM_CLASSES } from '../../../src/runtime/learning/state-file.ts';

const HAM10000 = ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'];
const rules = { table: classTableOf({ graph: { classes: HAM10000 } }) };
const check = (label: string, extraLabels?: readonly string[], classes = HAM10000) =>
  checkedLabel(label, classes, { ...rules, extraLabels });

function refusalOf(label: string, extraLabels?: readonly string[]): SpikescopeError {
  try {
    check(label, extraLabels);
  } catch (error) {
    if (error instanceof SpikescopeError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(label)} was not refused`);
}

describe('a label', () => {
  it.each(['scar', 'SK-2', 'x', 'a'.repeat(32)])(
    'may be the well-formed code of a new class: %s',
    (label) => {
      expect(check(label)).toBe(label);
    },
  );

  it('may be a class that there is, whatever it is named', () => {
    for (const label of HAM10000) expect(check(label, [])).toBe(label);
    expect(check('basal cell', undefined, ['basal cell'])).toBe('basal cell');
  });

  it.each([
    ['a person’s name', 'Mueller Anna'],
    ['a class with a Cyrillic letter', '\u0430kiec'],
    ['a class in letters of full width', '\uff4d\uff45\uff4c'],
    ['a letter with an accent', 'n\u00e6vus'],
    ['a letter with an accent beside it', 'me\u0301l'],
    ['nothing', ''],
    ['a blank', ' '],
    ['a blank at the end', 'scar '],
    ['a line end', 'scar\n'],
    ['a digit first', '1scar'],
    ['a hyphen first', '-scar'],
    ['a dot', 'a.b'],
    ['an underscore', 'a_b'],
    ['33 characters', 'a'.repeat(33)],
    ['an answer that is no class', 'indeterminate'],
    ['an answer in capitals', 'Retake'],
    ['an answer that only looks like one', '1ndeterminate'.replace('1', 'l')],
    ['a class in capitals', 'MEL'],
    ['a class with a figure for a letter', 'me1'],
    ['a class with a hyphen', 'n-v'],
    ['the name of a class', 'melanoma'],
    ['the name of a class in another language', 'Melanom'],
    ['the name of a class without its accent', 'melanome'],
    ['the name of a class with hyphens for blanks', 'basal-cell-carcinoma'],
  ])('may not be %s', (_, label) => {
    expect(refusalOf(label)).toMatchObject({ code: 'LABEL_INVALID' });
  });

  it('that looks like a class is refused with the class that was meant', () => {
    expect(refusalOf('MEL').details.expected).toContain('mel,');
    expect(refusalOf('melanoma').details.expected).toContain('mel,');
  });

  it('that is refused is not repeated in words that are shown and logged', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Z][a-z]{3,12} [A-Z][a-z]{3,12}$/), (name) => {
        const told = refusalOf(name).describe();
        for (const part of name.split(' ')) expect(told).not.toContain(part);
      }),
    );
  });

  it('that is new has nothing but letters, digits and hyphens of ASCII, and looks like no class', () => {
    const alphabet = [...'melnvakiMEL1I0o-rn vv\u0435\u043c\u200b\u0301_.'];
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 8 }),
    );
    fc.assert(
      fc.property(texts, (label) => {
        if (HAM10000.includes(label) || labelProblem(label, HAM10000, rules) !== null) return;
        expect(label).toMatch(/^[A-Za-z][A-Za-z0-9-]{0,31}$/);
        expect(HAM10000).not.toContain(label.toLowerCase().replaceAll('-', ''));
        expect(HAM10000).not.toContain(label.toLowerCase().replaceAll('1', 'l').replaceAll('-', ''));
      }),
      { numRuns: 2000 },
    );
  });

  it('must be on the device’s list where there is one; an empty list adds none', () => {
    expect(check('scar', ['scar', 'wart'])).toBe('scar');
    expect(refusalOf('Mueller', ['scar', 'wart'])).toMatchObject({
      code: 'LABEL_INVALID',
      details: { expected: expect.stringContaining('scar, wart') },
    });
    expect(refusalOf('scar', []).code).toBe('LABEL_INVALID');
    expect(refusalOf('MEL', ['MEL']).code).toBe('LABEL_INVALID');
  });

  it('adds no class beyond the most that there may be', () => {
    const full = Array.from({ length: MAXIMUM_CLASSES }, (_, i) => `class-${i}`);
    expect(() => check('scar', undefined, full)).toThrow(expect.objectContaining({ code: 'LABEL_LIMIT' }));
    expect(check('class-3', undefined, full)).toBe('class-3');
  });
});
