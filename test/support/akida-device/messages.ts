/** What a played card and its parent say to each other. */
import { z } from 'zod';
import { faultSchema } from './faults.ts';

export const questionSchema = z.discriminatedUnion('ask', [
  /** From now on; null: nothing is wrong any more. */
  z.strictObject({ ask: z.literal('fault'), fault: faultSchema.nullable() }),
  z.strictObject({ ask: z.literal('state') }),
  /** Accesses since the last time; the first time none, from then on they are kept. */
  z.strictObject({ ask: z.literal('trace') }),
]);
export type Question = z.infer<typeof questionSchema>;

const accessSchema = z.strictObject({
  op: z.enum(['r', 'w']),
  addr: z.string(),
  len: z.number(),
  hex: z.string().optional(),
  sha256: z.string().optional(),
});
export type TracedAccess = z.infer<typeof accessSchema>;

const readBackSchema = z.strictObject({
  name: z.string(),
  weights: z.number(),
  thresholds: z.number(),
  steps: z.number(),
  geometry: z.number(),
});

export const answerSchema = z.discriminatedUnion('tell', [
  z.strictObject({
    tell: z.literal('state'),
    /** Images that were answered since the start. */
    images: z.number(),
    /** Integers on the card that are not the bundle's, by layer; null before the first image. */
    readBack: z.array(readBackSchema).readonly().nullable(),
    /** Why it computed nothing, the last time. */
    problem: z.string().nullable(),
  }),
  z.strictObject({ tell: z.literal('trace'), accesses: z.array(accessSchema) }),
]);
export type Answer = z.infer<typeof answerSchema>;
export type CardState = Omit<Extract<Answer, { tell: 'state' }>, 'tell'>;
