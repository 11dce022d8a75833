import { z } from 'zod';
import type { Reading } from '../runtime/reading.ts';
import {
  backendSchema,
  bytesOf,
  deviceSchema,
  digestSchema,
  MAXIMUM_MESSAGE_BYTES,
  modelIdentitySchema,
  timeSchema,
} from './payload.ts';

const probability = z.number().min(0).max(1);
const milliseconds = z.number().min(0);
const className = z.string().min(1).max(64);

export const RESULT_SCHEMA = 'spikescope/result/1';

/** Everything that leaves the device about one capture: no pixels, no names of files or patients. */
export const resultSchema = z
  .strictObject({
    schema: z.literal(RESULT_SCHEMA),
    id: z.uuid().describe('Stays the same when a result is sent again: drop repeats by it'),
    device: deviceSchema,
    capturedAt: timeSchema,
    source: z
      .enum(['phantom', 'replay', 'libcamera', 'v4l2'])
      .describe('Where the frame came from; phantoms are drawings'),
    model: modelIdentitySchema,
    backend: backendSchema,
    head: digestSchema
      .optional()
      .describe('SHA-256 of the learned head that read it; absent where the device does not learn'),
    accepted: z.boolean().describe('False when the frame could not be read: take it again'),
    reasons: z
      .array(z.enum(['too-small', 'flat', 'clipped', 'out-of-focus', 'unreadable', 'failed']))
      .describe('Why the frame was not accepted'),
    fault: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]{0,63}$/)
      .optional()
      .describe('Code of the error, with the reasons unreadable and failed'),
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
  })
  .meta({
    title: 'spikescope result',
    description: 'One capture as read by the device. For research and demonstration, not a medical device.',
  });
export type Result = z.infer<typeof resultSchema>;

/** What a result needs to know beside the reading. */
export interface ResultContext {
  readonly id: string;
  readonly device: string;
  readonly capturedAt: Date;
  readonly source: Result['source'];
}

/** Why there is no reading. */
export interface Refusal {
  /** `unreadable`: the frame's fault. `failed`: ours. */
  readonly reason: 'unreadable' | 'failed';
  /** Stable error code. */
  readonly fault: string;
}

/** The public form of a reading: rounded, bounded, and nothing in it that could identify a person or a file. */
export function resultOf(reading: Reading, context: ResultContext): Result {
  const { crop, quality, timings } = reading;
  return fitting({
    ...headOf(context, reading),
    ...(reading.head !== undefined && { head: reading.head }),
    accepted: reading.accepted,
    reasons: [...reading.reasons],
    diagnosis: reading.diagnosis,
    probabilities: mostProbableFirst(reading.probabilities),
    tiled: reading.tiled,
    crop: crop && { x: crop.x, y: crop.y, side: crop.side },
    quality: {
      shortSide: quality.shortSide,
      clippedShare: rounded(quality.clippedShare, 4),
      contrast: rounded(quality.contrast, 2),
      focus: rounded(quality.focus, 2),
    },
    timings: {
      decode: rounded(timings.decode, 3),
      quality: rounded(timings.quality, 3),
      crop: rounded(timings.crop, 3),
      inference: rounded(timings.inference, 3),
      readout: rounded(timings.readout, 3),
      total: rounded(timings.total, 3),
    },
  });
}

/** The result of a frame that gave no reading: it is published all the same, so that no capture goes missing. */
export function refusedResult(
  refusal: Refusal,
  context: ResultContext,
  engine: Pick<Reading, 'model' | 'backend'>,
): Result {
  return {
    ...headOf(context, engine),
    accepted: false,
    reasons: [refusal.reason],
    fault: refusal.fault,
    diagnosis: 'retake',
    probabilities: {},
    tiled: false,
    crop: null,
    quality: null,
    timings: null,
  };
}

function headOf(context: ResultContext, { model, backend }: Pick<Reading, 'model' | 'backend'>) {
  return {
    schema: RESULT_SCHEMA,
    id: context.id,
    device: context.device,
    capturedAt: context.capturedAt.toISOString(),
    source: context.source,
    model: { name: model.name, version: model.version, digest: model.digest },
    backend,
  } as const;
}

/** Six digits: rounding then moves no probability by more than 5·10⁻⁷. */
function mostProbableFirst(probabilities: Reading['probabilities']): Record<string, number> {
  const ordered = Object.entries(probabilities).sort(([, a], [, b]) => b - a);
  return Object.fromEntries(ordered.map(([name, value]) => [name, rounded(value, 6)]));
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** Leaves out the least probable classes until the message is small enough. */
function fitting(result: Result): Result {
  const entries = Object.entries(result.probabilities);
  let fitted = result;
  while (entries.length > 0 && bytesOf(JSON.stringify(fitted)) > MAXIMUM_MESSAGE_BYTES) {
    entries.pop();
    fitted = { ...result, probabilities: Object.fromEntries(entries) };
  }
  return fitted;
}
