import { z } from 'zod';
import { TRIAGES } from '../../model/answers.ts';

const answerSchema = z.strictObject({
  label: z.int().min(0),
  probabilities: z.array(z.number()).readonly(),
  group: z.string().nullable(),
  /** Null where the bundle does not triage. */
  triage: z.enum(TRIAGES).nullable(),
});
export type SiteAnswer = z.infer<typeof answerSchema>;

/** What one network answered, kept so that a finished one need not be made again. */
export const siteAnswersSchema = z.strictObject({
  format: z.literal(1),
  /** What the network never saw; null where it saw all. */
  site: z.string().nullable(),
  /** What it was trained by. */
  settings: z.unknown(),
  /** Identifiers of the images, in the order of the answers. */
  images: z.array(z.string()).readonly(),
  answers: z.array(answerSchema).readonly(),
});
export type SiteAnswers = z.infer<typeof siteAnswersSchema>;
