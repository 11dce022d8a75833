/** What a model is, what it is for, and what it is worth: for people. */
import { z } from 'zod';
import { count, real, share, text } from './fields.ts';

/** With its 95 % interval over lesions. */
const figure = z.strictObject({ value: share, low: share, high: share });
/** Null for a group without a lesion of the kind. */
const figureOfGroup = figure.nullable();

/** The operating point of triage and what it is worth on the split that it was chosen on. */
const cardTriageSchema = z.strictObject({
  split: text(1024),
  /** Malignancy from which a lesion is referred. */
  threshold: share,
  /** Sensitivity that it was chosen for. */
  promised: share,
  sensitivity: figure,
  /** Of the watched class alone. */
  watchedSensitivity: figure.nullable(),
  specificity: figure,
  /** On whom it was measured. */
  groups: z
    .array(
      z.strictObject({
        /** `sex`, `age`, `bodySite`, `acquisitionSite`, `skinTone`. */
        attribute: text(64),
        name: text(256),
        /** Images, malignant and benign. */
        malignant: count,
        benign: count,
        sensitivity: figureOfGroup,
        watchedSensitivity: figureOfGroup,
        specificity: figureOfGroup,
      }),
    )
    .max(1000),
});
export type CardTriage = z.infer<typeof cardTriageSchema>;

export const cardSchema = z.strictObject({
  description: text(16_384),
  /** Absent from older cards. */
  intendedUse: text(16_384).optional(),
  data: text(16_384),
  protocol: text(16_384),
  licence: text(16_384),
  /** Measured figures by name, for example `test.top1`. */
  metrics: z.record(text(256), real(-1e12, 1e12)),
  limitations: z.array(text(16_384)).max(1000),
  /** Absent where the model does not triage. */
  triage: cardTriageSchema.optional(),
});
export type ModelCard = z.infer<typeof cardSchema>;
