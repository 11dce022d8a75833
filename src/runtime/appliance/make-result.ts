import type { ClockState } from '../../telehealth/clock.ts';
import type { Patient } from '../../telehealth/patient-context.ts';
import { bytesOf, MAXIMUM_MESSAGE_BYTES } from '../../telehealth/payload.ts';
import {
  RESULT_SCHEMA_1,
  RESULT_SCHEMA_2,
  RESULT_SCHEMA_3,
  type Result,
  reasonsOfVersion1,
} from '../../telehealth/result.ts';
import type { Classifier } from '../inference/classifier.ts';
import { OUT_OF_SCOPE, type Reading } from '../inference/reading.ts';

/** What a result needs to know beside the reading. */
export interface ResultContext {
  readonly id: string;
  readonly device: string;
  readonly capturedAt: Date;
  /** Version of the program. Without it, nothing is said. */
  readonly application?: string;
  /** Where the time may be wrong: why. */
  readonly clock?: ClockState;
  readonly source: Result['source'];
  /** Of whom it is. Without it, nothing is said. */
  readonly patient?: Patient;
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
    ...judged(reading, context),
    ...headOf(context, reading),
    ...(reading.head !== undefined && { head: reading.head }),
    ...(reading.assumedClasses && { classes: 'assumed' as const }),
    accepted: reading.accepted,
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

type Judged = Pick<Reading, 'triage' | 'malignancy' | 'unfamiliar'> & {
  readonly reasons: readonly (Reading['reasons'][number] | Refusal['reason'])[];
};

/** The result of a frame that gave no reading: it is published all the same, so that no capture goes missing. */
export function refusedResult(
  refusal: Refusal,
  context: ResultContext,
  engine: Pick<Reading, 'model' | 'backend'> & Partial<Pick<Classifier, 'triages'>>,
): Result {
  return {
    ...judged(
      { reasons: [refusal.reason], ...(engine.triages && { triage: null, malignancy: null }) },
      context,
    ),
    ...headOf(context, engine),
    accepted: false,
    fault: refusal.fault,
    diagnosis: 'retake',
    probabilities: {},
    tiled: false,
    crop: null,
    quality: null,
    timings: null,
  };
}

/** The version that says as much as the model does: why the frame was not accepted, what to do, and how sure that is. */
function judged(
  { reasons, triage, malignancy = null, unfamiliar }: Judged,
  { application, patient }: Pick<ResultContext, 'application' | 'patient'>,
) {
  const isFirst = triage === undefined && unfamiliar === undefined && !reasons.includes(OUT_OF_SCOPE);
  if (isFirst && patient === undefined) {
    return { schema: RESULT_SCHEMA_1, reasons: reasonsOfVersion1(reasons) } as const;
  }
  const second = {
    reasons: reasons.slice(),
    triage: triage ?? null,
    malignancy: malignancy === null ? null : rounded(malignancy, 6),
    ...(application !== undefined && { application }),
    ...(unfamiliar !== undefined && { unfamiliar }),
  };
  return patient === undefined
    ? ({ schema: RESULT_SCHEMA_2, ...second } as const)
    : ({ schema: RESULT_SCHEMA_3, ...second, patient } as const);
}

function headOf(context: ResultContext, { model, backend }: Pick<Reading, 'model' | 'backend'>) {
  return {
    id: context.id,
    device: context.device,
    capturedAt: context.capturedAt.toISOString(),
    ...(context.clock && { clock: context.clock }),
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
