import { labelOf } from '../../../runtime/appliance/verdicts.ts';
import type { Journal } from '../../../store/journal.ts';
import type { RecentReading } from '../../../store/recent.ts';
import { isUnfamiliar, judgementOf, patientOf, type Result } from '../../../telehealth/result.ts';
import type { HistoryEntry, HistoryPage } from '../contract.ts';
import { contextOf } from './context.ts';
import { resultIn } from './state/reading.ts';

export interface HistoryQuestion {
  /** The sequence before which is looked; 0 for the end. */
  readonly before: number;
  /** Entries at most, 1…100. */
  readonly limit: number;
  /** What an identifier of a result, a session, a visit or a patient begins with; empty for all. */
  readonly find: string;
  /** Whether who asks may know of whom they are. */
  readonly withContext: boolean;
}

/** Readings that one question goes through at most, so that it takes no time that a capture needs. */
const MOST_SEARCHED = 500;

/** Readings of this device, newest first, without images. @throws SpikescopeError `JOURNAL_*` */
export function historyOf(
  journal: Journal,
  { before, limit, find, withContext }: HistoryQuestion,
): HistoryPage {
  const asked = find === '' ? limit : MOST_SEARCHED;
  const readings = journal.recent(before, asked);
  const entries: HistoryEntry[] = [];
  let last: number | null = null;
  for (const reading of readings) {
    if (entries.length === limit) break;
    last = reading.sequence;
    const result = resultIn(reading.payload);
    if (result !== null && isFound(reading, result, find, withContext)) {
      entries.push(entryOf(reading, result, withContext));
    }
  }
  const isAll = readings.length < asked && last === (readings.at(-1)?.sequence ?? null);
  return { entries, next: isAll ? null : last };
}

function isFound(
  { id, session }: RecentReading,
  result: Result,
  find: string,
  withContext: boolean,
): boolean {
  const { encounter, subject } = (withContext && patientOf(result)) || {};
  return [id, session, encounter, subject].some((identifier) => identifier?.startsWith(find));
}

function entryOf({ sequence, session, label, waits }: RecentReading, result: Result, withContext: boolean) {
  const judgement = judgementOf(result);
  const said = label === null ? null : labelOf(label);
  const patient = patientOf(result);
  return {
    sequence,
    result: result.id,
    capturedAt: result.capturedAt,
    session,
    source: result.source,
    accepted: result.accepted,
    reasons: [...result.reasons],
    diagnosis: result.diagnosis,
    probability: result.probabilities[result.diagnosis] ?? null,
    triage: judgement?.triage ?? null,
    malignancy: judgement?.malignancy ?? null,
    unfamiliar: isUnfamiliar(result),
    verdict: said && { verdict: said.verdict, label: said.label },
    context: withContext && patient !== null ? contextOf(patient) : null,
    outbox: waits ? 'waiting' : 'sent',
  } as const satisfies HistoryEntry;
}
