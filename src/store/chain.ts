import { createHash } from 'node:crypto';

/** What happened. A case is one capture with all that follows from it; its identifier is the result's. */
export const RECORD_KINDS = [
  /** A frame was taken. */
  'capture',
  /** What the model said of it: the very bytes that are published. */
  'reading',
  /** What a person said of it, or that this is taken back: with a `schema`, the very bytes that are published. */
  'label',
  /** The head was changed, or a change was turned down: digests before and after, the gate's figures. */
  'update',
  /** An update was taken back. */
  'undo',
  /** The head was put back to what the bundle carries. */
  'reset',
  /** A broker has acknowledged a message. */
  'publication',
  /** A command from outside was accepted; its case is the command's own identifier. */
  'command',
  /** What provisioning did or refused: metadata that is trusted from now on, with the floors below which none is taken. */
  'provision',
  /** What computes was changed: a card has failed and the processor goes on, or the card serves again. */
  'backend',
  /** The journal was taken over from an older schema. */
  'migration',
  /** The chain begins here because the one before it was broken or not whole: what was missing, where it is kept. */
  'break',
] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

/** A record before it has its place in the chain. */
export interface RecordDraft {
  readonly kind: RecordKind;
  readonly caseId: string;
  /** JSON. */
  readonly payload: string;
}

/** What is recorded beside captures and readings. */
export interface EventDraft extends RecordDraft {
  /** A label that goes into the outbox with the same commit. */
  readonly isMessage?: boolean;
}

export interface JournalRecord extends RecordDraft {
  /** 1, 2, 3 … without a gap. */
  readonly sequence: number;
  /** ISO 8601, UTC, by the clock of the device: no promise that it increases. */
  readonly recordedAt: string;
  /** Digest of the record before, 32 bytes; zeros in the first. */
  readonly previous: Uint8Array;
  /** 32 bytes. */
  readonly digest: Uint8Array;
}

/** What the first record names as its predecessor. */
export const GENESIS: Uint8Array = new Uint8Array(32);

/**
 * SHA-256 of the JSON array [previous in hexadecimal, sequence, kind, case, time, payload] in UTF-8. The payload stands
 * in it as a string, so that every byte of it counts.
 */
export function digestOf(record: Omit<JournalRecord, 'digest'>): Buffer {
  const { previous, sequence, kind, caseId, recordedAt, payload } = record;
  const link = [Buffer.from(previous).toString('hex'), sequence, kind, caseId, recordedAt, payload];
  return createHash('sha256').update(JSON.stringify(link)).digest();
}
