/**
 * What the flow of the appliance asks of its parts. Each call is one attempt; a rejection is a fault, shown and survived.
 */
import type { Capture } from '../../../capture/source.ts';
import type { Risk } from '../../../model/bundle/class-table-section.ts';
import type { LearningOutcome, PressedBy } from '../../learning/outcome.ts';

/** What a recorded reading looks like to whoever must confirm it. */
export interface RecordedReading {
  /** The result's identifier. */
  readonly id: string;
  /** False when the capture must be taken again. */
  readonly accepted: boolean;
  /** A class, `indeterminate` or `retake`. */
  readonly diagnosis: string;
  /** The model's classes, most probable first; empty for a retake. */
  readonly ranking: readonly string[];
}

/** An update, or a verdict that taught nothing, that can be taken back. */
export interface LastUpdate {
  /** What the person said; null where that is not known. */
  readonly label: string | null;
  /** The result's identifier, where that is known. */
  readonly caseId?: string;
}

export interface FlowParts {
  /** The next frame of the source; null when the source has ended. */
  capture(signal: AbortSignal): Promise<Capture | null>;
  /** Reads a frame and records the result; durable when it resolves. */
  read(capture: Capture): Promise<RecordedReading>;
  /** Takes a verdict on the case that was read last, and teaches it. @param risk of a class that is new */
  learn(reading: RecordedReading, label: string, by: PressedBy, risk?: Risk): Promise<LearningOutcome>;
  /** Takes the last verdict back, with what was learned from it; false when there is none. */
  undo(by: PressedBy): Promise<boolean>;
  /** What `undo` would take back; null when there is nothing. */
  lastUpdate(): LastUpdate | null;
}

/** Milliseconds. */
export interface FlowTimeouts {
  /** For a frame to arrive. */
  readonly capture: number;
  /** For a person to confirm a reading, after which it stays unlabelled. */
  readonly confirm: number;
  /** For showing that a capture must be taken again. */
  readonly retake: number;
  /** For the second press of undo, after which the update stays. */
  readonly undo: number;
}

export const DEFAULT_TIMEOUTS: FlowTimeouts = {
  capture: 20_000,
  confirm: 120_000,
  retake: 10_000,
  undo: 20_000,
};
