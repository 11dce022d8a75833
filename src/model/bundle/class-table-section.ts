/** What a bundle may say of its classes beside their names in the graph: words for people, risk, codes of terminologies. */
import { z } from 'zod';
import type { IntegerGraph } from '../graph.ts';
import { isWestern } from './fields.ts';
import { isSnomedConcept } from './snomed.ts';

/** How bad a lesion of the class is. A class that does not say has an unknown risk, which is never taken for benign. */
export const RISKS = ['malignant', 'premalignant', 'benign'] as const;
export type Risk = (typeof RISKS)[number];

/** Of every bundle; the program's own words are English. */
export const DEFAULT_LANGUAGE = 'en';

/** Neither control, format nor unassigned characters, nor separators of lines. */
const LINE = /^[^\p{C}\p{Zl}\p{Zp}]+$/u;
/** One line of text, no blank at either end. */
const displayName = z.string().min(1).max(120).refine(isLine, 'expected one line of text');

function isLine(value: string): boolean {
  return (isWestern(value) || LINE.test(value)) && !value.startsWith(' ') && !value.endsWith(' ');
}

/** BCP 47, for example `en` or `pt-BR`. */
const language = z
  .string()
  .max(35)
  .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'expected a language as BCP 47 writes it');

const entrySchema = z.strictObject({
  /** The class's name in the graph. */
  code: z.string().min(1).max(64),
  /** By language; `en` always. */
  names: z
    .record(language, displayName)
    .refine((names) => Object.hasOwn(names, DEFAULT_LANGUAGE), 'expected a name in English (en)')
    .refine((names) => Object.keys(names).length <= 64, 'expected at most 64 languages'),
  risk: z.enum(RISKS).optional(),
  /** Identifier of a SNOMED CT concept that is not narrower than the class. */
  snomed: z.string().refine(isSnomedConcept, 'expected the identifier of a SNOMED CT concept').optional(),
  /** WHO's ICD-10, not one of its national modifications; likewise not narrower than the class. */
  icd10: z
    .string()
    .regex(/^[A-Z]\d{2}(\.\d)?$/, 'expected a code of ICD-10, for example C43.9')
    .optional(),
  /** Malignant and easily missed: of its cases none may be lost for what a device learns. */
  watched: z.literal(true).optional(),
});
export type ClassEntry = z.infer<typeof entrySchema>;

export const classTableSchema = z.strictObject({
  version: z.literal(1),
  classes: z.array(entrySchema).min(1).max(4096),
});
/** The section in a bundle. */
export type ClassTableSection = z.infer<typeof classTableSchema>;

/** What does not fit the graph or itself, in words; null when all does. */
export function classTableProblem(
  { classes }: ClassTableSection,
  graph: Pick<IntegerGraph, 'classes'>,
): string | null {
  const known = new Set(graph.classes);
  const seen = new Set<string>();
  for (const { code, risk, watched } of classes) {
    if (!known.has(code)) return `no class is named ${code}`;
    if (seen.has(code)) return `${code} comes twice`;
    seen.add(code);
    if (watched === true && risk !== 'malignant') return `${code} is watched and not malignant`;
  }
  return classes.filter(({ watched }) => watched === true).length > 1
    ? 'more than one class is watched'
    : null;
}
