/** Looks up what is known of a model's classes; terminal, FHIR, calibration and learning know it from here alone. */
import type { IntegerGraph } from '../graph.ts';
import {
  type ClassEntry,
  type ClassTableSection,
  DEFAULT_LANGUAGE,
  type Risk,
} from './class-table-section.ts';
import { HAM10000_TABLE } from './ham10000-table.ts';

/** Classes by their names in the graph; those of which nothing is known are not in it. */
export type ClassTable = ReadonlyMap<string, ClassEntry>;

/** Of a model that is not at hand: nothing is known of any class. */
export const EMPTY_CLASS_TABLE: ClassTable = new Map();

/** What `classTableOf` needs of a bundle. */
interface WithClasses {
  readonly graph: Pick<IntegerGraph, 'classes'>;
  readonly classTable?: ClassTableSection | undefined;
}

/**
 * What is known of a bundle's classes: its own table, or for a bundle without one what this program knows of HAM10000's
 * seven. Classes that a device adds are in neither.
 */
export function classTableOf({ graph, classTable }: WithClasses): ClassTable {
  const entries = classTable?.classes ?? knownClasses(graph.classes);
  return new Map(entries.map((entry) => [entry.code, entry]));
}

/** The section for a new bundle of these classes; undefined where this program knows none of them. */
export function knownClassTable(classes: readonly string[]): ClassTableSection | undefined {
  const known = knownClasses(classes);
  return known.length === 0 ? undefined : { version: 1, classes: known };
}

function knownClasses(classes: readonly string[]): ClassEntry[] {
  return classes.flatMap((name) => HAM10000_TABLE.find(({ code }) => code === name) ?? []);
}

/** Finds the table for what a model of this digest has read. */
export type ClassTables = (digest: string) => ClassTable;

/** The table of one bundle for its own readings; of readings of any other model nothing is known. */
export function classTablesOf(bundle: WithClasses & { readonly digest: string }): ClassTables {
  const table = classTableOf(bundle);
  return (digest) => (digest === bundle.digest ? table : EMPTY_CLASS_TABLE);
}

export function riskOf(table: ClassTable, name: string): Risk | 'unknown' {
  return table.get(name)?.risk ?? 'unknown';
}

/** The table, and beside it that these classes, which a device added, are benign. */
export function withBenign(table: ClassTable, names: readonly string[]): ClassTable {
  if (names.length === 0) return table;
  const added = names.map((code): [string, ClassEntry] => [
    code,
    { code, names: { [DEFAULT_LANGUAGE]: code }, risk: 'benign' },
  ]);
  return new Map([...added, ...table]);
}

/** Whether a lesion of the class has to be seen to: melanoma as well as what may become a carcinoma. */
export function isMalignantOrPremalignant(table: ClassTable, name: string): boolean {
  const risk = riskOf(table, name);
  return risk === 'malignant' || risk === 'premalignant';
}

/**
 * The class in words, in the language asked for or else in a wider one (`de-AT`, `de`), or else in English; null where
 * nothing is known of the class.
 */
export function displayNameOf(table: ClassTable, name: string, wanted = DEFAULT_LANGUAGE): string | null {
  const names = table.get(name)?.names;
  if (names === undefined) return null;
  for (let subtags = wanted.split('-'); subtags.length > 0; subtags = subtags.slice(0, -1)) {
    const tag = subtags.join('-');
    if (Object.hasOwn(names, tag)) return names[tag];
  }
  return names[DEFAULT_LANGUAGE];
}

/** The class of which no case may be missed for what was learned; null where the table names none. */
export function watchedClassOf(table: ClassTable): string | null {
  for (const [name, { watched }] of table) if (watched === true) return name;
  return null;
}
