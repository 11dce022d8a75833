/** What a bundle says of when a lesion is to be seen by a specialist; a bundle without it does not triage. */
import { z } from 'zod';
import type { IntegerGraph } from '../graph.ts';
import { count, share } from './fields.ts';

/** Measured on the split that the threshold was chosen on, with its 95 % interval over lesions. */
const figureSchema = z.strictObject({ value: share, low: share, high: share });

export const triageSchema = z.strictObject({
  version: z.literal(1),
  /** Malignancy is the sum of the malignant classes' probabilities. */
  score: z.literal('sum'),
  /** Classes that count as malignant, by their names in the graph. */
  malignant: z.array(z.string().min(1).max(64)).min(1).max(4096),
  /** Malignancy from which a lesion is referred. */
  threshold: share,
  /** How the threshold was chosen: conformal risk control (Angelopoulos et al. 2024). */
  method: z.literal('conformal-risk-control'),
  /** What was promised for malignant lesions, and for those of the watched class alone. */
  sensitivity: share,
  /** Lesions behind the choice. */
  lesions: z.strictObject({ malignant: count, watched: count.nullable() }),
  expected: z.strictObject({
    sensitivity: figureSchema,
    /** Of the watched class; null where there is none. */
    watchedSensitivity: figureSchema.nullable(),
    specificity: figureSchema,
  }),
});
/** The section in a bundle. */
export type TriageSection = z.infer<typeof triageSchema>;

/** What does not fit the graph, in words; null when all does. */
export function triageProblem(
  { malignant }: TriageSection,
  { classes }: Pick<IntegerGraph, 'classes'>,
): string | null {
  const stranger = malignant.find((name) => !classes.includes(name));
  if (stranger !== undefined) return `no class is named ${stranger}`;
  if (new Set(malignant).size < malignant.length) return 'a class comes twice';
  return malignant.length === classes.length ? 'no class is left that is not malignant' : null;
}
