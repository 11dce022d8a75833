import { z } from 'zod';
import { printable, type RefusedError, SpikescopeError } from '../errors.ts';
import { firstIssue } from '../schema.ts';
import type { EventDraft } from '../store/chain.ts';
import type { Journal } from '../store/journal.ts';
import { type Floors, floorsSchema } from './trust/floors.ts';

/** The case of all that changes what is trusted. */
const TRUST = 'trust';
/** Characters of a text from outside that go into the journal at most. */
const TEXT = 400;

const trustedSchema = z.object({ event: z.literal('trusted'), floors: floorsSchema });

/** An expired document that a person had taken. */
export interface Override {
  readonly reason: string;
  readonly expired: readonly { readonly role: string; readonly expires: string }[];
}

/** What is the same in all records of one operation. */
export interface Operation {
  /** UUID. */
  readonly id: string;
  /** Where the repository lies. */
  readonly source: string;
  /** The user of the system who asked. */
  readonly by: string;
}

/** The floors of this device; null before anything was trusted. @throws SpikescopeError `JOURNAL_BROKEN` */
export function floorsIn(journal: Journal): Floors | null {
  const payload = journal.lastPayloadOf(TRUST, 'provision');
  if (payload === null) return null;
  const parsed = trustedSchema.safeParse(JSON.parse(payload));
  if (parsed.success) return parsed.data.floors;
  throw new SpikescopeError('JOURNAL_BROKEN', 'The journal is not what this device left', {
    file: journal.file,
    expected: 'the floors of what is trusted in the last record of them',
    received: firstIssue(parsed.error).problem,
    remedy: 'keep the file, and look at it with `spikescope journal verify`',
  });
}

export interface Trusted {
  readonly floors: Floors;
  /** Why there was no local metadata although there had been; null where there was, or never any. */
  readonly lost: string | null;
}

export function trustedRecord(operation: Operation, { floors, lost }: Trusted): EventDraft {
  return draft(TRUST, operation, { event: 'trusted', floors, ...(lost !== null && { lost }) });
}

export function overrideRecord(operation: Operation, override: Override): EventDraft {
  return draft(operation.id, operation, { event: 'override', ...override, reason: short(override.reason) });
}

/** @param reason of an override that was asked for */
export function refusedRecord(operation: Operation, error: RefusedError, reason: string | null): EventDraft {
  const { code, message, details } = error;
  const { file, field, expected, received } = details;
  const texts = Object.entries({ file, field, expected, received, acceptExpired: reason ?? undefined });
  const said = texts
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => [name, short(text ?? '')]);
  return draft(operation.id, operation, { event: 'refused', code, message, ...Object.fromEntries(said) });
}

export function olderRecord(operation: Operation, expected: string, received: string): EventDraft {
  return draft(operation.id, operation, { event: 'older', expected, received });
}

export interface Staged {
  readonly target: string;
  readonly role: string;
  /** Identifiers of the keys that have signed it. */
  readonly keys: readonly string[];
  /** Hexadecimal. */
  readonly hash: string;
  /** Bytes. */
  readonly length: number;
}

export function stagedRecord(operation: Operation, staged: Staged): EventDraft {
  return draft(operation.id, operation, { event: 'staged', ...staged });
}

/** The case of all that changes what is installed. */
export const LAST_INSTALLED = 'installed';

/** What happened to what is installed of a kind. */
export interface Installation {
  readonly event: string;
  readonly kind: string;
  /** Hash of what served; null for what came with the program. */
  readonly before: string | null;
  readonly after: string | null;
  /** All that is installed from now on: a lost document is made again from it. */
  readonly state: object;
}

export function installedRecord(operation: Operation, said: Installation): EventDraft {
  return draft(LAST_INSTALLED, operation, said);
}

/** What happened last to what is installed, without the state that it led to; null where nothing ever was. */
export function lastInstallation(journal: Journal): Record<string, unknown> | null {
  const payload = journal.lastPayloadOf(LAST_INSTALLED, 'provision');
  if (payload === null) return null;
  const { state: _, ...said } = z.record(z.string(), z.unknown()).parse(JSON.parse(payload));
  return said;
}

function draft(caseId: string, { id, source, by }: Operation, said: object): EventDraft {
  const payload = JSON.stringify({ ...said, operation: id, source: short(source), by });
  return { kind: 'provision', caseId, payload };
}

function short(text: string): string {
  const whole = printable(text);
  return whole.length <= TEXT ? whole : `${whole.slice(0, TEXT)}…`;
}
