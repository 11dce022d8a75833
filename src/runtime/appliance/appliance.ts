import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Capture, CaptureImage, CaptureSource } from '../../capture/source.ts';
import { RefusedError, SpikescopeError } from '../../errors.ts';
import type { Risk } from '../../model/bundle/class-table-section.ts';
import { isNoRoom } from '../../store/capacity.ts';
import type { JournalEntry } from '../../store/journal.ts';
import type { ClockState } from '../../telehealth/clock.ts';
import type { Patient } from '../../telehealth/patient-context.ts';
import { judgementOf, type Result } from '../../telehealth/result.ts';
import type { Classification, Classifier } from '../inference/classifier.ts';
import type { HeadInput } from '../inference/head.ts';
import type { Reading } from '../inference/reading.ts';
import type { LearningOutcome, PressedBy } from '../learning/outcome.ts';
import { Flow, type FlowView } from './flow/flow.ts';
import type { FlowParts, FlowTimeouts, LastUpdate, RecordedReading } from './flow/parts.ts';
import { FrameFeed } from './frame-feed.ts';
import { type Refusal, type ResultContext, refusedResult, resultOf } from './make-result.ts';

/** What the appliance asks of the classifier. */
export interface ApplianceClassifier
  extends Pick<Reading, 'model' | 'backend'>,
    Partial<Pick<Classifier, 'triages' | 'reassures'>> {
  classify(image: CaptureImage): Promise<Classification>;
}

/** Learns from confirmed readings. */
export interface Learner {
  /** Keeps what the last reading rests on; null for one that cannot be taught. */
  observe(id: string, headInput: HeadInput | null): void;
  learn(reading: RecordedReading, label: string, by: PressedBy, risk?: Risk): Promise<LearningOutcome>;
  /** Takes the last update back; false when there is none. */
  undo(by: PressedBy): Promise<boolean>;
  /** What `undo` would take back, null when there is nothing; without it, that is not known beforehand. */
  lastUpdate?(): LastUpdate | null;
}

export interface ApplianceParts {
  readonly device: string;
  readonly source: CaptureSource;
  readonly classifier: ApplianceClassifier;
  /**
   * Durable when `append` returns; when it throws, the appliance stops rather than make results that it may lose. For want
   * of room it only refuses captures, until there is some.
   */
  readonly journal: { append(entry: JournalEntry): number };
  /** Called before each capture. @throws SpikescopeError `JOURNAL_FULL` where its result would not be taken */
  readonly requireRoom?: () => void;
  /** What the capture in hand belongs to; without it, or undefined, each stands alone. Called once for each. */
  readonly sessionOf?: () => string | undefined;
  /** Of whom the capture in hand is; without it, or null, nothing is said. Called once for each. */
  readonly patientOf?: () => Patient | null;
  /** Called with what was read of a frame, before it is recorded. */
  readonly onClassified?: (id: string, classification: Classification) => void;
  /** What is known of the clock, for the result. Without it, nothing is said. */
  readonly clock?: () => ClockState;
  /** Version of the program, for the result. Without it, nothing is said. */
  readonly application?: string;
  /** Called when a result is in the journal, to publish it. */
  readonly onRecorded: (result: Result) => void;
  /** Without one, confirming a reading is answered by a fault that says so. */
  readonly learner?: Learner;
  readonly timeouts?: Partial<FlowTimeouts>;
  /** Called for a frame that gave no reading, with its place on this machine and the error. */
  readonly onRefused: (capture: Capture, error: unknown) => void;
}

export interface TakeOptions {
  /** Captures to take; without it, until the source ends. */
  readonly count?: number;
  /** Milliseconds from one capture to the next, at least. */
  readonly interval?: number;
  /** Ends the loop after the capture in hand. */
  readonly signal: AbortSignal;
  /** Waits before the next capture. Default: so many milliseconds, 0 or more. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** How many captures were taken and how many of them gave no diagnosis. */
export interface Tally {
  readonly captures: number;
  readonly retakes: number;
}

/**
 * The appliance: its flow, fed by a source, a classifier, a journal and a learner. Every frame becomes one result, also
 * where it cannot be read or the classifier fails. Only a source or a journal that fails ends it. While the journal has no
 * room, captures are refused.
 */
export class Appliance {
  readonly flow: Flow;
  readonly #parts: ApplianceParts;
  readonly #feed: FrameFeed;
  readonly #ended = new AbortController();
  #fatal: unknown;
  #captures = 0;
  #retakes = 0;

  constructor(parts: ApplianceParts) {
    this.#parts = parts;
    this.#feed = new FrameFeed(parts.source, this.#ended.signal);
    this.flow = new Flow(this.#flowParts(), parts.timeouts && { timeouts: parts.timeouts });
  }

  get tally(): Tally {
    return { captures: this.#captures, retakes: this.#retakes };
  }

  /** Whether the result of a capture would be taken. */
  get hasRoom(): boolean {
    try {
      this.#parts.requireRoom?.();
      return true;
    } catch (error) {
      if (isNoRoom(error)) return false;
      throw error;
    }
  }

  start(): void {
    this.#parts.source.start?.();
    this.flow.start();
  }

  stop(): void {
    this.#ended.abort();
    this.flow.stop();
  }

  /**
   * One capture, and what a person would see of it.
   * @throws SpikescopeError when the source or the journal fails
   */
  async capture(): Promise<FlowView> {
    this.flow.send({ type: 'capture' });
    return this.rest();
  }

  /** The flow when a person moves next. @throws SpikescopeError when the source or the journal has failed */
  async rest(): Promise<FlowView> {
    const view = await this.flow.rest();
    this.throwFault();
    return view;
  }

  /** @throws SpikescopeError when the source or the journal has failed */
  throwFault(): void {
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  #flowParts(): FlowParts {
    const { learner } = this.#parts;
    return {
      capture: async (signal) => {
        this.#parts.requireRoom?.();
        return this.#orEnd(() => this.#feed.next(signal), signal);
      },
      read: (capture) => this.#read(capture),
      learn: (reading, label, by, risk) =>
        learner ? learner.learn(reading, label, by, risk) : Promise.reject(noLearner()),
      undo: (by) => (learner ? learner.undo(by) : Promise.reject(noLearner())),
      lastUpdate: () => (learner ? lastUpdateOf(learner) : null),
    };
  }

  async #read(capture: Capture): Promise<RecordedReading> {
    const { journal, sessionOf } = this.#parts;
    const result = await read(capture, this.#parts);
    const { id, capturedAt } = result;
    const session = sessionOf?.();
    await this.#orEnd(async () => {
      const entry = { id, capturedAt, payload: JSON.stringify(result) };
      journal.append({ ...entry, ...(session !== undefined && { session }) });
    });
    this.#captures++;
    if (!result.accepted) this.#retakes++;
    this.#parts.onRecorded(result);
    const { accepted, diagnosis } = result;
    return { id, accepted, diagnosis, ranking: this.#proposals(result) };
  }

  /**
   * Labels in the order in which a person is asked about them: most probable first, as results hold them, but names that
   * reassure last where triage has withheld them.
   */
  #proposals(result: Result): string[] {
    const names = Object.keys(result.probabilities);
    const judgement = judgementOf(result);
    if (judgement === null || judgement.triage === 'routine') return names;
    const { classifier } = this.#parts;
    const isWithheld = (name: string) => classifier.reassures?.(name) ?? false;
    return [...names.filter((name) => !isWithheld(name)), ...names.filter(isWithheld)];
  }

  /**
   * A failure of this work ends the appliance: what it makes could be lost, or nothing will come any more. That it was
   * given up is no failure, and room may come back.
   */
  async #orEnd<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!signal?.aborted && !isNoRoom(error)) this.#fatal ??= error;
      throw error;
    }
  }
}

/** Milliseconds from one look for room to the next. */
const ROOM_INTERVAL = 5_000;

/**
 * Takes captures by itself, until as many as asked for are taken, the source ends or `signal` aborts.
 * @throws SpikescopeError when the source or the journal fails
 */
export async function takeCaptures(appliance: Appliance, options: TakeOptions): Promise<Tally> {
  const { count = Infinity, interval = 0, signal, pause = pauseFor } = options;
  while (appliance.tally.captures < count && !signal.aborted) {
    const started = performance.now();
    const { isExhausted, fault } = await appliance.capture();
    if (isExhausted || appliance.tally.captures >= count || signal.aborted) break;
    await pause(Math.max(0, interval - (performance.now() - started)), signal);
    if (isNoRoom(fault)) await untilRoom(appliance, signal, pause);
  }
  return appliance.tally;
}

async function untilRoom(
  appliance: Appliance,
  signal: AbortSignal,
  pause: NonNullable<TakeOptions['pause']>,
): Promise<void> {
  do await pause(ROOM_INTERVAL, signal);
  while (!signal.aborted && !appliance.hasRoom);
}

/** An appliance that only takes captures, from its start to its end; see `takeCaptures`. */
export async function runAppliance(parts: ApplianceParts, options: TakeOptions): Promise<Tally> {
  const appliance = new Appliance(parts);
  appliance.start();
  try {
    return await takeCaptures(appliance, options);
  } finally {
    appliance.stop();
  }
}

async function pauseFor(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds > 0) await delay(milliseconds, undefined, { signal }).catch(() => {});
}

/** An update whose label cannot be told is asked about all the same. */
function lastUpdateOf(learner: Learner): LastUpdate | null {
  try {
    return learner.lastUpdate ? learner.lastUpdate() : { label: null };
  } catch {
    return { label: null };
  }
}

function noLearner(): SpikescopeError {
  return new SpikescopeError('LEARNING_UNAVAILABLE', 'This model cannot learn', {
    expected:
      'a guard set in the model bundle, against which updates are judged, and learning not switched off',
    received: 'none',
    remedy: 'calibrate the model with a data set: `spikescope calibrate`',
  });
}

async function read(capture: Capture, parts: ApplianceParts): Promise<Result> {
  const patient = parts.patientOf?.() ?? null;
  const context: ResultContext = {
    id: randomUUID(),
    device: parts.device,
    capturedAt: capture.capturedAt,
    ...(parts.application !== undefined && { application: parts.application }),
    clock: parts.clock?.() ?? null,
    source: parts.source.kind,
    ...(patient !== null && { patient }),
  };
  try {
    const classification = await parts.classifier.classify(capture.image);
    const { reading, headInput } = classification;
    parts.learner?.observe(context.id, headInput);
    parts.onClassified?.(context.id, classification);
    return resultOf(reading, context);
  } catch (error) {
    parts.onRefused(capture, error);
    return refusedResult(refusalOf(error), context, parts.classifier);
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof RefusedError) return { reason: 'unreadable', fault: error.code };
  return { reason: 'failed', fault: error instanceof SpikescopeError ? error.code : 'INTERNAL' };
}
