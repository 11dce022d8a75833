import { z } from 'zod';
import { SOURCE_KINDS } from '../capture/kinds.ts';
import { TRIAGES, type Triage } from '../model/answers.ts';
import { clockSchema } from './clock.ts';
import { type Patient, patientSchema } from './patient-context.ts';
import {
  backendSchema,
  deviceSchema,
  digestSchema,
  faultCodeSchema,
  modelIdentitySchema,
  timeSchema,
} from './payload.ts';

const probability = z.number().min(0).max(1);
const milliseconds = z.number().min(0);
const className = z.string().min(1).max(64);

/** Of a model that neither triages nor tells what is no lesion. */
export const RESULT_SCHEMA_1 = 'spikescope/result/1';
/** Of one that does: all that the first has, with the same meaning, what to do, and what is no lesion. */
export const RESULT_SCHEMA_2 = 'spikescope/result/2';
/** Of one that says of whom it is: all that the second has, with the same meaning, and that. */
export const RESULT_SCHEMA_3 = 'spikescope/result/3';

const REASONS_1 = ['too-small', 'flat', 'clipped', 'out-of-focus', 'unreadable', 'failed'] as const;
const REASONS_2 = [...REASONS_1, 'dark', 'bright', 'torn', 'out-of-scope'] as const;
type Reason1 = (typeof REASONS_1)[number];
type Reason2 = (typeof REASONS_2)[number];
export const reason2Schema = z.enum(REASONS_2);

/** What the first version says of the reasons that it has no word for. */
const REASON_1_FOR: Readonly<Record<Exclude<Reason2, Reason1>, Reason1>> = {
  dark: 'clipped',
  bright: 'clipped',
  torn: 'unreadable',
  'out-of-scope': 'unreadable',
};

/** In the words of the first version, each once. */
export function reasonsOfVersion1(reasons: readonly Reason2[]): Reason1[] {
  const known = reasons.map((reason) => (isReason1(reason) ? reason : REASON_1_FOR[reason]));
  return [...new Set(known)];
}

function isReason1(reason: Reason2): reason is Reason1 {
  return REASONS_1.some((known) => known === reason);
}

/** Everything that leaves the device about one capture: no pixels, no names of files or patients. */
const shapeWith = <Reason extends string>(reasons: readonly [Reason, ...Reason[]]) => ({
  id: z.uuid().describe('Stays the same when a result is sent again: drop repeats by it'),
  device: deviceSchema,
  capturedAt: timeSchema,
  clock: clockSchema
    .optional()
    .describe('Where capturedAt may be wrong: why; absent where a time source has set the clock'),
  source: z.enum(SOURCE_KINDS).describe('Where the frame came from; phantoms are drawings'),
  model: modelIdentitySchema,
  backend: backendSchema,
  head: digestSchema
    .optional()
    .describe('SHA-256 of the learned head that read it; absent where the device does not learn'),
  classes: z
    .literal('assumed')
    .optional()
    .describe('Where nobody named the classes of the model: their names are a guess; else absent'),
  accepted: z.boolean().describe('False when the frame could not be read: take it again'),
  reasons: z.array(z.enum(reasons)).describe('Why the frame was not accepted'),
  fault: faultCodeSchema.optional().describe('Code of the error, with the reasons unreadable and failed'),
  diagnosis: z.string().min(1).max(64).describe('A class of the model, indeterminate or retake'),
  probabilities: z
    .record(className, probability)
    .describe(
      'By class, most probable first; the least probable are left out where the message would be too long',
    ),
  tiled: z.boolean().describe('Whether four overlapping patches were read and averaged'),
  crop: z
    .strictObject({ x: z.int().min(0), y: z.int().min(0), side: z.int().min(1) })
    .nullable()
    .describe('The square of the frame that was read, in pixels from the top left'),
  quality: z
    .strictObject({
      shortSide: z.int().min(0).describe('Pixels'),
      clippedShare: z.number().min(0).max(1).describe('Largest share of pixels at 0 or 255 in a channel'),
      contrast: z.number().min(0).describe('Standard deviation of luminance'),
      focus: z.number().min(0).describe('Variance of the Laplacian of luminance'),
    })
    .nullable(),
  timings: z
    .strictObject({
      decode: milliseconds,
      quality: milliseconds,
      crop: milliseconds,
      inference: milliseconds,
      readout: milliseconds,
      total: milliseconds,
    })
    .nullable()
    .describe('Milliseconds'),
});

const about = (version: number) => ({
  title: `spikescope result, version ${version}`,
  description: 'One capture as read by the device. For research and demonstration, not a medical device.',
});

export const resultSchema1 = z
  .strictObject({ schema: z.literal(RESULT_SCHEMA_1), ...shapeWith(REASONS_1) })
  .meta({ ...about(1), title: 'spikescope result' });

const shape2 = {
  ...shapeWith(REASONS_2),
  triage: z
    .enum(TRIAGES)
    .nullable()
    .describe(
      'What to do: refer to a specialist, routine, or indeterminate; null for a retake or a model that does not triage',
    ),
  malignancy: probability
    .nullable()
    .describe('Probability that the lesion has to be seen to; null where triage is'),
  application: z.string().min(1).max(64).optional().describe('Version of the program that made it'),
  unfamiliar: z
    .boolean()
    .optional()
    .describe(
      'Whether the lesion is unlike those of training: its probabilities are softened, and triage is not routine',
    ),
};

export const resultSchema2 = z.strictObject({ schema: z.literal(RESULT_SCHEMA_2), ...shape2 }).meta(about(2));

export const resultSchema3 = z
  .strictObject({ schema: z.literal(RESULT_SCHEMA_3), ...shape2, patient: patientSchema })
  .meta(about(3));

export const resultSchema = z.discriminatedUnion('schema', [resultSchema1, resultSchema2, resultSchema3]);
export type Result = z.infer<typeof resultSchema>;

/** What to do with an accepted lesion; null for a retake, and where the model does not triage. */
export function judgementOf(result: Result): { triage: Triage; malignancy: number | null } | null {
  if (result.schema === RESULT_SCHEMA_1 || result.triage === null) return null;
  return { triage: result.triage, malignancy: result.malignancy };
}

/** Whether the lesion is unlike those of training. */
export function isUnfamiliar(result: Result): boolean {
  return result.schema !== RESULT_SCHEMA_1 && result.unfamiliar === true;
}

/** Of whom it is; null where it does not say. */
export function patientOf(result: Result): Patient | null {
  return result.schema === RESULT_SCHEMA_3 ? result.patient : null;
}
