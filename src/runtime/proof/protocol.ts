/** What the process that proves a model is told, and what it says, line by line. */
import { z } from 'zod';
import { releaseSchema } from '../../updates/release.ts';

/** What a release asks of a model on the device. */
export const demandsSchema = z.strictObject({
  proof: releaseSchema.shape.proof,
  learning: releaseSchema.shape.learning,
});
export type Demands = z.infer<typeof demandsSchema>;

export interface ProofJob {
  /** The bundle that is to be proven. */
  readonly file: string;
  /** The bundle in use; null where it is not known. */
  readonly current: string | null;
  /** The data folder, of which what was learned is read; null where there is none. */
  readonly data: string | null;
  readonly demands: Demands;
}

const itemName = z.string().regex(/^[a-zA-Z][a-zA-Z0-9.]{0,40}$/);
const itemSchema = z.strictObject({
  name: itemName,
  passed: z.boolean(),
  measured: z.number().nullable(),
  required: z.string().max(2_000),
});

/** First the names of all that is looked at, then each as it is known, in that order; at last the end. */
export const lineSchema = z.union([
  z.strictObject({ plan: z.array(itemName).min(1).max(32) }),
  z.strictObject({ item: itemSchema }),
  z.strictObject({ end: z.literal(true) }),
]);
export type ProofLine = z.infer<typeof lineSchema>;
