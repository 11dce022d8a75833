import { z } from 'zod';
import { SOURCE_KINDS } from '../capture/kinds.ts';
import { clockSchema } from './clock.ts';
import { deviceSchema, modelIdentitySchema, timeSchema } from './payload.ts';

export const LABEL_SCHEMA = 'spikescope/label/1' as const;

const className = z.string().min(1).max(64);

/** What every verdict says: no name of a person, and no text that somebody could type. */
const head = {
  schema: z.literal(LABEL_SCHEMA),
  id: z.uuid().describe('Of this verdict. Stays the same when it is sent again: drop repeats by it'),
  device: deviceSchema,
  result: z.uuid().describe('The id of the result that it is about'),
  givenAt: timeSchema,
  clock: clockSchema
    .optional()
    .describe('Where givenAt may be wrong: why; absent where a time source has set the clock'),
  source: z
    .enum(SOURCE_KINDS)
    .describe('Where the frame came from; a verdict on phantom or replay is a demonstration'),
  model: modelIdentitySchema,
  by: z
    .enum(['button', 'keyboard', 'command', 'recovery'])
    .describe(
      'Through what it came; recovery: the device, at its start, of a change that it had called failed',
    ),
};

export const givenSchema = z.strictObject({
  ...head,
  verdict: z
    .enum(['confirmed', 'corrected'])
    .describe('confirmed: the class that the result names. corrected: another, also where it names none'),
  diagnosis: className.describe('What the result says'),
  label: className.describe(
    'What the person says: a class of the model, or one that was added on the device',
  ),
  learned: z.boolean().describe('Whether the device has learned it; the verdict holds without that'),
});

export const withdrawnSchema = z.strictObject({
  ...head,
  verdict: z.literal('withdrawn'),
  withdraws: z.uuid().describe('The id of the verdict that holds no longer'),
  diagnosis: className.describe('What the result says'),
  label: className.describe('What that verdict said'),
});

/** What a person says of a result, or that this holds no longer. */
export const labelSchema = z.discriminatedUnion('verdict', [givenSchema, withdrawnSchema]).meta({
  title: 'spikescope label',
  description:
    'A person’s verdict on a result, or its withdrawal. For research and demonstration, not a medical device.',
});
export type Label = z.infer<typeof labelSchema>;
export type GivenLabel = z.infer<typeof givenSchema>;
