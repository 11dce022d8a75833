import { z } from 'zod';
import { type JournalRecord, RECORD_KINDS } from './chain.ts';

/** A row of `records`. */
export interface RecordRow {
  sequence: number;
  kind: string;
  case_id: string;
  recorded_at: string;
  payload: string;
  previous: Uint8Array;
  digest: Uint8Array;
}

const kindSchema = z.enum(RECORD_KINDS);

export function recordOf(row: RecordRow): JournalRecord {
  const { sequence, case_id, recorded_at, payload, previous, digest } = row;
  return {
    sequence,
    kind: kindSchema.parse(row.kind),
    caseId: case_id,
    recordedAt: recorded_at,
    payload,
    previous,
    digest,
  };
}

/** A row of the view `journal`, in this schema and in the first. */
export interface ResultRow {
  sequence: number;
  id: string;
  captured_at: string;
  recorded_at: string;
  payload: string;
  published_at: string | null;
}

/** A result that is in the journal. */
export interface RecordedResult {
  /** Of its reading: increasing in the order of recording, never reused. */
  readonly sequence: number;
  readonly id: string;
  readonly capturedAt: string;
  readonly recordedAt: string;
  readonly payload: string;
  /** When a broker last acknowledged it; null before that. */
  readonly publishedAt: string | null;
}

export function resultOfRow(row: ResultRow): RecordedResult {
  return {
    sequence: row.sequence,
    id: row.id,
    capturedAt: row.captured_at,
    recordedAt: row.recorded_at,
    payload: row.payload,
    publishedAt: row.published_at,
  };
}
