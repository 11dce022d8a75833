import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../src/errors.ts';
import {
  classTableOf,
  classTablesOf,
  displayNameOf,
  EMPTY_CLASS_TABLE,
  isMalignantOrPremalignant,
  knownClassTable,
  riskOf,
  watchedClassOf,
} from '../../src/model/bundle/class-table.ts';
import { classTableSchema } from '../../src/model/bundle/class-table-section.ts';
import { FIRST_FORMAT, FORMAT_VERSION, packContainer } from '../../src/model/bundle/container.ts';
import { documentOf } from '../../src/model/bundle/document.ts';
import { HAM10000_TABLE } from '../../src/model/bundle/ham10000-table.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import { isSnomedConcept } from '../../src/model/bundle/snomed.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import { tinyModel, tinyTable } from '../support/tiny-model.ts';

const HAM10000 = ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'];
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

/** A bundle with a table that `change` has been at, its digest right, in a format of choice. */
function forged(change: (table: ReturnType<typeof plain>) => void, format = FORMAT_VERSION): Uint8Array {
  const { document, data } = documentOf(tinyModel());
  const classTable = plain();
  change(classTable);
  return packContainer({ ...Object(document), classTable }, data, undefined, format);
}

// biome-ignore lint/suspicious/noExplicitAny: a forger writes what no type allows
const plain = (): any => structuredClone(tinyTable());

describe('a bundle without a class table', () => {
  it('is of the first format, and keeps its bytes when it is written again', () => {
    // Read once, so that its parts stand in the order of the schema.
    const { digest: __, ...read } = parseBundle(bundleBytes(tinyModel()), 'model');
    const bytes = bundleBytes(read);
    expect(formatIn(bytes)).toBe(FIRST_FORMAT);
    const { digest: _, ...contents } = parseBundle(bytes, 'model');
    expect(contents.classTable).toBeUndefined();
    expect(Buffer.from(bundleBytes(contents)).equals(bytes)).toBe(true);
  });

  it('has what the program knows of HAM10000’s classes, and of any other class nothing', () => {
    const table = classTableOf({ graph: { classes: ['mel', 'scar', 'nv'] } });
    expect([...table.keys()]).toEqual(['mel', 'nv']);
    expect(riskOf(table, 'mel')).toBe('malignant');
    expect(riskOf(table, 'scar')).toBe('unknown');
    expect(displayNameOf(table, 'scar')).toBeNull();
  });

  it('knows nothing of a class that is not the model’s own, even one that HAM10000 has', () => {
    const table = classTableOf({ graph: { classes: ['mel', 'bcc'] } });
    expect(riskOf(table, 'nv')).toBe('unknown');
  });
});

describe('a bundle with a class table', () => {
  const bytes = bundleBytes({ ...tinyModel(), classTable: tinyTable() });

  it('reads back as it was written', () => {
    const { digest: _, ...contents } = parseBundle(bytes, 'model');
    expect(contents).toEqual({ ...tinyModel(), classTable: tinyTable() });
  });

  it('has the same bytes whatever the order of languages and members', () => {
    const turned = tinyTable().classes.map((entry) => ({
      ...(Object.fromEntries(Object.entries(entry).reverse()) as typeof entry),
      names: Object.fromEntries(Object.entries(entry.names).reverse()),
    }));
    const again = bundleBytes({ ...tinyModel(), classTable: { version: 1, classes: turned } });
    expect(Buffer.from(again).equals(bytes)).toBe(true);
  });

  it('is of a format that an older program refuses in so many words, and asks for an update', () => {
    expect(formatIn(bytes)).toBe(FIRST_FORMAT + 1);
    const later = Uint8Array.from(bytes);
    later[8] = FORMAT_VERSION + 1;
    expect(refusalOf(later)).toMatchObject({
      code: 'BUNDLE_FORMAT',
      details: {
        expected: `format 1 to ${FORMAT_VERSION}`,
        received: `format ${FORMAT_VERSION + 1}`,
        remedy: expect.stringContaining('update'),
      },
    });
  });

  it('is refused when it says that it is of the first format, which has no such table', () => {
    const refusal = refusalOf(forged(() => {}, FIRST_FORMAT));
    expect(refusal).toMatchObject({ code: 'BUNDLE_SCHEMA', details: { field: 'classTable' } });
  });

  it('says itself what its classes are, also of names that HAM10000 has', () => {
    const classTable = {
      version: 1 as const,
      classes: [{ code: 'mel', names: { en: 'melasma' }, risk: 'benign' as const }],
    };
    const table = classTableOf({ graph: { classes: ['mel', 'nv'] }, classTable });
    expect(displayNameOf(table, 'mel')).toBe('melasma');
    expect(riskOf(table, 'mel')).toBe('benign');
    expect(riskOf(table, 'nv')).toBe('unknown');
    expect(watchedClassOf(table)).toBeNull();
  });

  // biome-ignore lint/suspicious/noExplicitAny: a forger writes what no type allows
  const forgeries: [string, string, (table: any) => void][] = [
    ['an unknown member', 'BUNDLE_SCHEMA', (t) => (t.classes[0].colour = 'green')],
    ['a later version', 'BUNDLE_SCHEMA', (t) => (t.version = 2)],
    ['no class', 'BUNDLE_SCHEMA', (t) => (t.classes = [])],
    ['a risk that there is not', 'BUNDLE_SCHEMA', (t) => (t.classes[0].risk = 'harmless')],
    ['no English name', 'BUNDLE_SCHEMA', (t) => (t.classes[0].names = { de: 'Fleck' })],
    ['a name without a character', 'BUNDLE_SCHEMA', (t) => (t.classes[0].names.en = '')],
    ['a name that a terminal obeys', 'BUNDLE_SCHEMA', (t) => (t.classes[0].names.en = 'a\u001b[2J')],
    ['a name that turns the line round', 'BUNDLE_SCHEMA', (t) => (t.classes[0].names.en = 'a\u202eb')],
    ['a name of two lines', 'BUNDLE_SCHEMA', (t) => (t.classes[0].names.en = 'a\nb')],
    ['a name of a page', 'BUNDLE_SCHEMA', (t) => (t.classes[0].names.en = 'a'.repeat(121))],
    ['a language that is none', 'BUNDLE_SCHEMA', (t) => (t.classes[0].names.English = 'spot')],
    ['a code of SNOMED CT with a wrong digit', 'BUNDLE_SCHEMA', (t) => (t.classes[1].snomed = '93655005')],
    ['a code of an American ICD-10', 'BUNDLE_SCHEMA', (t) => (t.classes[1].icd10 = 'C44.91')],
    ['an entry of no class', 'BUNDLE_INCONSISTENT', (t) => (t.classes[0].code = 'other')],
    ['two entries of a class', 'BUNDLE_INCONSISTENT', (t) => (t.classes[1].code = 'benign')],
    [
      'a watched class that is benign',
      'BUNDLE_INCONSISTENT',
      (t) => Object.assign(t.classes[0], { watched: true }),
    ],
    [
      'two watched classes',
      'BUNDLE_INCONSISTENT',
      (t) => Object.assign(t.classes[0], { watched: true, risk: 'malignant' }),
    ],
  ];
  it.each(forgeries)('with %s is refused as %s', (_, code, change) => {
    expect(refusalOf(forged(change)).code).toBe(code);
  });
});

describe('the table of HAM10000', () => {
  const table = classTableOf({ graph: { classes: HAM10000 } });

  it('follows the schema and holds the seven, each with a name in five languages and a risk', () => {
    expect(classTableSchema.safeParse({ version: 1, classes: HAM10000_TABLE }).success).toBe(true);
    expect([...table.keys()]).toEqual(HAM10000);
    for (const name of HAM10000) {
      expect(Object.keys(table.get(name)?.names ?? {}).sort()).toEqual(['de', 'en', 'es', 'fr', 'pt']);
      expect(riskOf(table, name)).not.toBe('unknown');
    }
  });

  it('has melanoma and basal cell carcinoma as malignant, akiec as premalignant, and the rest as benign', () => {
    const of = (risk: string) => HAM10000.filter((name) => riskOf(table, name) === risk);
    expect(of('malignant')).toEqual(['bcc', 'mel']);
    expect(of('premalignant')).toEqual(['akiec']);
    expect(of('benign')).toEqual(['bkl', 'df', 'nv', 'vasc']);
    expect(HAM10000.filter((name) => isMalignantOrPremalignant(table, name))).toEqual([
      'akiec',
      'bcc',
      'mel',
    ]);
    expect(isMalignantOrPremalignant(table, 'scar')).toBe(false);
  });

  it('watches melanoma', () => {
    expect(watchedClassOf(table)).toBe('mel');
  });

  it('gives no code to a class that is more than the code says', () => {
    for (const name of ['akiec', 'bkl', 'vasc']) {
      expect(table.get(name)).not.toHaveProperty('snomed');
      expect(table.get(name)).not.toHaveProperty('icd10');
    }
  });

  it('goes into new bundles in the order of their classes, and not where none is known', () => {
    expect(knownClassTable(['nv', 'x', 'mel'])?.classes.map(({ code }) => code)).toEqual(['nv', 'mel']);
    expect(knownClassTable(['class0', 'class1'])).toBeUndefined();
  });
});

describe('a display name', () => {
  const table = classTableOf({ graph: { classes: HAM10000 } });

  it('comes in the language asked for, else in a wider one, else in English', () => {
    expect(displayNameOf(table, 'nv')).toBe('melanocytic naevus');
    expect(displayNameOf(table, 'nv', 'de')).toBe('melanozytärer Nävus');
    expect(displayNameOf(table, 'nv', 'de-Latn-AT')).toBe('melanozytärer Nävus');
    expect(displayNameOf(table, 'nv', 'sw')).toBe('melanocytic naevus');
    expect(displayNameOf(table, 'nv', '__proto__')).toBe('melanocytic naevus');
  });
});

describe('the table of a reading', () => {
  it('is that of the model that read it, and empty for any other model', () => {
    const tables = classTablesOf({ graph: { classes: HAM10000 }, digest: 'a' });
    expect(riskOf(tables('a'), 'mel')).toBe('malignant');
    expect(tables('b')).toBe(EMPTY_CLASS_TABLE);
  });
});

describe('an identifier of SNOMED CT', () => {
  it.each(['254701007', '93655004', '400010006', '201101007', '372244006', '73211009'])(
    'may be %s',
    (code) => {
      expect(isSnomedConcept(code)).toBe(true);
    },
  );

  it.each([
    ['a description’s', '680946014'],
    ['too short', '10005'],
    ['too long', '1234567890123456105'],
    ['one that begins with zero', '093655004'],
    ['one in other digits', '９３６５５００４'],
    ['no number', 'melanoma'],
  ])('is not %s', (_, code) => {
    expect(isSnomedConcept(code)).toBe(false);
  });

  it('is not one with a digit changed or two neighbours that changed places', () => {
    const codes = ['254701007', '93655004', '400010006'];
    fc.assert(
      fc.property(fc.constantFrom(...codes), fc.nat(8), fc.integer({ min: 1, max: 9 }), (code, place, by) => {
        const at = place % code.length;
        const digits = [...code];
        digits[at] = String((Number(digits[at]) + by) % 10);
        expect(isSnomedConcept(digits.join(''))).toBe(false);
        const next = (at + 1) % code.length;
        if (next === 0 || code[at] === code[next]) return;
        const swapped = [...code];
        [swapped[at], swapped[next]] = [swapped[next], swapped[at]];
        expect(isSnomedConcept(swapped.join(''))).toBe(false);
      }),
    );
  });
});
