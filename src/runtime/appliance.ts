import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Capture, CaptureImage, CaptureSource } from '../capture/source.ts';
import { RefusedError, SpikescopeError } from '../errors.ts';
import type { JournalEntry } from '../store/journal.ts';
import {
  type Refusal,
  type Result,
  type ResultContext,
  refusedResult,
  resultOf,
} from '../telehealth/result.ts';
import { MemoryKeeper } from './memory.ts';
import type { Reading } from './reading.ts';

/** What the appliance asks of the classifier. */
export interface ApplianceClassifier extends Pick<Reading, 'model' | 'backend'> {
  classify(image: CaptureImage): Promise<Reading>;
}

export interface ApplianceParts {
  readonly device: string;
  readonly source: CaptureSource;
  readonly classifier: ApplianceClassifier;
  /** Durable when `append` returns; when it throws, the appliance stops rather than make results that it may lose. */
  readonly journal: { append(entry: JournalEntry): number };
  /** Called when a result is in the journal, to publish it. */
  readonly onRecorded: (result: Result) => void;
  /** Waits before the next capture, and may end the wait early. Default: so many milliseconds, 0 or more. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Called for a frame that gave no reading, with its place on this machine and the error. */
  readonly onRefused: (capture: Capture, error: unknown) => void;
}

export interface ApplianceOptions {
  /** Captures to take; without it, until the source ends. */
  readonly count?: number;
  /** Milliseconds from one capture to the next, at least. */
  readonly interval?: number;
  /** Ends the loop after the capture in hand. */
  readonly signal: AbortSignal;
}

/** How many captures were taken and how many of them gave no diagnosis. */
export interface Tally {
  readonly captures: number;
  readonly retakes: number;
}

/**
 * The appliance's loop: capture, classify, record, and hand over for publishing. Every capture becomes one result,
 * also where the frame cannot be read or the classifier fails; neither ends the loop.
 * @throws SpikescopeError when the source or the journal fails
 */
export async function runAppliance(parts: ApplianceParts, options: ApplianceOptions): Promise<Tally> {
  const { count = Infinity, interval = 0, signal } = options;
  const { pause = pauseFor } = parts;
  const memory = new MemoryKeeper();
  let captures = 0;
  let retakes = 0;
  if (count < 1) return { captures, retakes };
  parts.source.start();
  let started = performance.now();
  for await (const capture of parts.source.frames(signal)) {
    const result = await read(capture, parts);
    parts.journal.append({ id: result.id, capturedAt: result.capturedAt, payload: JSON.stringify(result) });
    parts.onRecorded(result);
    captures++;
    if (!result.accepted) retakes++;
    memory.afterCapture();
    if (captures >= count || signal.aborted) break;
    await pause(Math.max(0, interval - (performance.now() - started)), signal);
    started = performance.now();
  }
  return { captures, retakes };
}

async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds > 0) await delay(milliseconds, undefined, { signal }).catch(() => {});
}

async function read(capture: Capture, parts: ApplianceParts): Promise<Result> {
  const context: ResultContext = {
    id: randomUUID(),
    device: parts.device,
    capturedAt: capture.capturedAt,
    source: parts.source.kind,
  };
  try {
    return resultOf(await parts.classifier.classify(capture.image), context);
  } catch (error) {
    parts.onRefused(capture, error);
    return refusedResult(refusalOf(error), context, parts.classifier);
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof RefusedError) return { reason: 'unreadable', fault: error.code };
  return { reason: 'failed', fault: error instanceof SpikescopeError ? error.code : 'INTERNAL' };
}
