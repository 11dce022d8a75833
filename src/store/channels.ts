import { z } from 'zod';

/** Which form of a reading or of a label a message carries. */
export const CHANNELS = ['result', 'label', 'fhir'] as const;
export const channelSchema = z.enum(CHANNELS);
export type Channel = z.infer<typeof channelSchema>;

/** The forms that records of a kind have. */
export const FORMS = {
  reading: ['result', 'fhir'],
  label: ['label', 'fhir'],
} as const satisfies Readonly<Record<string, readonly Channel[]>>;
export type MessageKind = keyof typeof FORMS;
