import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type * as ClassifyLine from '../../../src/cli/classify/line.ts';
import { classTableOf } from '../../../src/model/bundle/class-table.ts';
import { RISKS, type Risk } from '../../../src/model/bundle/class-table-section.ts';
import { refusedResult, resultOf } from '../../../src/runtime/appliance/make-result.ts';
import type { Reading } from '../../../src/runtime/inference/reading.ts';
import type { Result } from '../../../src/telehealth/result.ts';
import { toneOf, wordsOf } from '../../../src/ui/terminal/class-text.ts';
import type * as ResultText from '../../../src/ui/terminal/result-text.ts';
import { READING, readings } from '../../support/readings.ts';

const HAM10000 = ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'];
const table = classTableOf({ graph: { classes: HAM10000 } });
const COLOURS = { red: '\u001b[31m', green: '\u001b[32m', yellow: '\u001b[33m' };
const context = {
  id: '0b7a5b6e-2d0c-4b60-9d4a-0a6d9d7c1a11',
  device: 'scope-1',
  capturedAt: new Date('2026-03-01T10:20:30.456Z'),
  source: 'replay',
} as const;

let cardOf: typeof ResultText.cardOf;
let lineOf: typeof ClassifyLine.lineOf;
const { isTTY } = process.stdout;

/** What `run` and `classify` print, as on a terminal with colours. */
beforeAll(async () => {
  vi.resetModules();
  vi.stubEnv('NO_COLOR', undefined);
  process.stdout.isTTY = true;
  ({ cardOf } = await import('../../../src/ui/terminal/result-text.ts'));
  ({ lineOf } = await import('../../../src/cli/classify/line.ts'));
});
afterAll(() => {
  process.stdout.isTTY = isTTY;
  vi.unstubAllEnvs();
});

const tableOfRisk = (name: string, risk: Risk | undefined) =>
  classTableOf({
    graph: { classes: [name] },
    classTable: { version: 1, classes: [{ code: name, names: { en: 'a spot' }, ...(risk && { risk }) }] },
  });

/** What both commands print of one reading. */
function printed(reading: Reading, classes = table): string[] {
  const result: Result = resultOf(reading, context);
  return [cardOf(result, 1, classes), lineOf({ path: 'a.jpg', reading }, classes)];
}

const coloursIn = (text: string) =>
  Object.entries(COLOURS).flatMap(([name, code]) => (text.includes(code) ? [name] : []));

describe('the colour of a diagnosis', () => {
  it.each([
    ['mel', 'red'],
    ['bcc', 'red'],
    ['akiec', 'red'],
    ['bkl', 'green'],
    ['df', 'green'],
    ['nv', 'green'],
    ['vasc', 'green'],
    ['indeterminate', 'yellow'],
    ['scar', 'yellow'],
  ])('of %s is %s, the same in `run` and `classify`', (diagnosis, expected) => {
    for (const text of printed({ ...READING, diagnosis })) expect(coloursIn(text)).toEqual([expected]);
  });

  it('of a frame to be taken again is yellow', () => {
    const reading: Reading = { ...READING, accepted: false, reasons: ['clipped'], diagnosis: 'retake' };
    for (const text of printed(reading)) expect(coloursIn(text)).toEqual(['yellow']);
    const { model, backend } = READING;
    const refused = refusedResult({ reason: 'unreadable', fault: 'IMAGE_TRUNCATED' }, context, {
      model: { ...model },
      backend,
    });
    expect(coloursIn(cardOf(refused, 1, table))).toEqual(['yellow']);
  });

  it('is red for what is malignant or premalignant and never for less', () => {
    for (const risk of RISKS) {
      const expected = risk === 'benign' ? 'green' : 'red';
      expect(toneOf({ diagnosis: 'x', accepted: true }, tableOfRisk('x', risk))).toBe(expected);
    }
  });

  it('is green for nothing that the table does not call benign, whatever the reading', () => {
    const risks = fc.option(fc.constantFrom(...RISKS), { nil: undefined });
    fc.assert(
      fc.property(readings, risks, fc.boolean(), (reading, risk, isListed) => {
        const classes = isListed ? tableOfRisk(reading.diagnosis.slice(0, 64), risk) : table;
        const isGreen = toneOf(reading, classes) === 'green';
        expect(isGreen).toBe(reading.accepted && isListed && risk === 'benign');
      }),
      { numRuns: 200 },
    );
  });

  it('of a class that was added on the device, or read by another model, is yellow', () => {
    for (const text of printed({ ...READING, diagnosis: 'nv' }, new Map())) {
      expect(coloursIn(text)).toEqual(['yellow']);
    }
  });
});

describe('the words for a diagnosis', () => {
  it('are the code and the name in the table', () => {
    for (const text of printed({ ...READING, diagnosis: 'nv' })) {
      expect(text).toContain('nv');
      expect(text).toContain('melanocytic naevus');
    }
    const own = tableOfRisk('nv', 'benign');
    for (const text of printed({ ...READING, diagnosis: 'nv' }, own)) expect(text).toContain('a spot');
  });

  it('say that a risk is unknown', () => {
    expect(wordsOf('scar', table)).toBe('risk unknown');
    expect(wordsOf('scar', tableOfRisk('scar', undefined))).toBe('a spot, risk unknown');
    expect(wordsOf('mel', table)).toBe('melanoma');
    for (const text of printed({ ...READING, diagnosis: 'scar' })) expect(text).toContain('risk unknown');
  });

  it('say what an answer means that is no class', () => {
    expect(wordsOf('indeterminate', table)).toBe('no class can be named');
    expect(wordsOf('retake', table)).toBe('take the frame again');
    expect(wordsOf('constructor', table)).toBe('risk unknown');
  });
});
