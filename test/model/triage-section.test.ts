import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../src/errors.ts';
import { CLASS_TABLE_FORMAT, packContainer, TRIAGE_FORMAT } from '../../src/model/bundle/container.ts';
import { documentOf } from '../../src/model/bundle/document.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import { tinyModel, tinyTable, tinyTriage } from '../support/tiny-model.ts';

const formatIn = (bytes: Uint8Array) => Buffer.from(bytes).readUInt32LE(8);

function refusalOf(bytes: Uint8Array): RefusedError {
  try {
    parseBundle(bytes, 'model');
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
  throw new Error('It was not refused');
}

/** A bundle with a rule that `change` has been at, its digest right, in a format of choice. */
// biome-ignore lint/suspicious/noExplicitAny: a forger writes what no type allows
function forged(change: (triage: any) => void, format = TRIAGE_FORMAT): Uint8Array {
  const { document, data } = documentOf(tinyModel());
  const triage = structuredClone(tinyTriage());
  change(triage);
  return packContainer({ ...Object(document), triage }, data, undefined, format);
}

describe('a bundle that triages', () => {
  const contents = { ...tinyModel(), classTable: tinyTable(), triage: tinyTriage() };
  const bytes = bundleBytes(contents);

  it('reads back as it was written, with the same bytes whatever the order of members', () => {
    const { digest: _, ...read } = parseBundle(bytes, 'model');
    expect(read).toEqual(contents);
    const turned = Object.fromEntries(Object.entries(tinyTriage()).reverse()) as typeof contents.triage;
    expect(Buffer.from(bundleBytes({ ...contents, triage: turned })).equals(bytes)).toBe(true);
  });

  it('is of a format of its own, which one that only tells of its classes is not', () => {
    expect(formatIn(bytes)).toBe(TRIAGE_FORMAT);
    expect(formatIn(bundleBytes({ ...contents, triage: undefined }))).toBe(CLASS_TABLE_FORMAT);
  });

  it('is refused when it says that it is of a format without triage', () => {
    const refusal = refusalOf(forged(() => {}, CLASS_TABLE_FORMAT));
    expect(refusal).toMatchObject({ code: 'BUNDLE_SCHEMA', details: { field: 'triage' } });
  });

  // biome-ignore lint/suspicious/noExplicitAny: a forger writes what no type allows
  const forgeries: [string, string, (triage: any) => void][] = [
    ['an unknown member', 'BUNDLE_SCHEMA', (t) => (t.colour = 'green')],
    ['a later version', 'BUNDLE_SCHEMA', (t) => (t.version = 2)],
    ['a score that this program does not know', 'BUNDLE_SCHEMA', (t) => (t.score = 'product')],
    ['a method that it does not know', 'BUNDLE_SCHEMA', (t) => (t.method = 'guess')],
    ['a threshold above 1', 'BUNDLE_SCHEMA', (t) => (t.threshold = 1.01)],
    ['a threshold that is no number', 'BUNDLE_SCHEMA', (t) => (t.threshold = null)],
    ['no malignant class', 'BUNDLE_SCHEMA', (t) => (t.malignant = [])],
    ['a class that the graph does not have', 'BUNDLE_INCONSISTENT', (t) => (t.malignant = ['mel'])],
    ['a class twice', 'BUNDLE_INCONSISTENT', (t) => (t.malignant = ['malign', 'malign'])],
    ['nothing but malignant classes', 'BUNDLE_INCONSISTENT', (t) => (t.malignant = ['malign', 'benign'])],
  ];
  it.each(forgeries)('is refused with %s', (_, code, change) => {
    expect(refusalOf(forged(change)).code).toBe(code);
  });
});
