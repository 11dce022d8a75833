import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { digestOf, type JournalRecord, type RecordDraft } from './chain.ts';
import { ChainWriter } from './chain-writer.ts';
import { flushFolder } from './head-file.ts';
import { openUnchanged } from './inspect.ts';
import { openDatabase } from './journal-schema.ts';
import { type RecordRow, recordOf } from './rows.ts';
import type { ChainHead } from './verify.ts';

const headSchema = z.object({ sequence: z.int(), digest: z.string() });
/** The first record of a chain that follows a broken one. */
const breakSchema = z.object({
  /** What was wrong with the chain before. */
  problem: z.string(),
  /** How many records were missing at its end. */
  missing: z.int(),
  /** How far it had come; null where that was not known. */
  expected: headSchema.nullable(),
  /** The name under which its file is kept; null where there was none. */
  keptAs: z.string().nullable(),
  /** Readings and labels that waited to be sent and were taken along. */
  carriedOver: z.int(),
});
export type ChainBreak = z.infer<typeof breakSchema>;

/** A database, and what SQLite keeps beside it. */
const ENDINGS = ['', '-wal', '-shm'];

/**
 * Moves a journal aside and begins a new one that names the break. Ended in the middle, it leaves either the old one in
 * its place or what `finishBeginning` makes whole.
 */
export function beginAnew(file: string, expected: ChainHead | null, problem: string): ChainBreak {
  const fresh = `${file}.new`;
  for (const ending of ENDINGS) rmSync(fresh + ending, { force: true });
  const remains = remainsOf(file);
  const broken = {
    problem,
    missing: Math.max(0, (expected?.sequence ?? 0) - remains.records),
    expected,
    keptAs: ENDINGS.some((ending) => existsSync(file + ending)) ? freeName(file) : null,
    carriedOver: remains.waiting.filter(({ places }) => places.length > 0).length,
  } satisfies ChainBreak;
  const database = openDatabase(fresh);
  try {
    database.transaction(() => write(database, broken, remains)).immediate();
  } finally {
    database.close();
  }
  putInPlace(file, broken);
  return broken;
}

/** Goes on with a new beginning that was ended in the middle, or forgets one that had not come far enough. */
export function finishBeginning(file: string): void {
  const fresh = `${file}.new`;
  if (!existsSync(fresh)) return;
  const broken = existsSync(file) ? null : breakIn(fresh);
  if (broken !== null) putInPlace(file, broken);
  for (const ending of ENDINGS) rmSync(fresh + ending, { force: true });
}

/** Whether a journal was begun because the chain that ended at `kept` was broken. */
export function isBeginningAfter(database: Database.Database, kept: ChainHead | null): boolean {
  const broken = firstBreak(database);
  return broken?.expected?.digest !== undefined && broken.expected.digest === kept?.digest;
}

function putInPlace(file: string, { keptAs }: ChainBreak): void {
  for (const ending of ENDINGS.filter((each) => existsSync(file + each))) {
    if (keptAs !== null) renameSync(file + ending, path.join(path.dirname(file), keptAs + ending));
  }
  renameSync(`${file}.new`, file);
  flushFolder(path.dirname(file));
}

function freeName(file: string): string {
  const names = new Set(readdirSync(path.dirname(file)));
  let number = 1;
  const nameOf = () => `${path.basename(file)}.broken-${number}`;
  while (ENDINGS.some((ending) => names.has(nameOf() + ending))) number++;
  return nameOf();
}

/** A record of a case of which something waits, with its own places in the outbox. */
interface Waiting {
  readonly record: JournalRecord;
  readonly places: readonly Place[];
}

interface Place {
  readonly channel: string;
  readonly session: string;
  readonly lane: string;
}

/** What can still be read of a broken journal. */
interface Remains {
  /** Number of its last record. */
  readonly records: number;
  readonly waiting: readonly Waiting[];
  /** Commands that were accepted, none of which may be accepted again, and the floors of provisioning. */
  readonly binding: readonly JournalRecord[];
}

function remainsOf(file: string): Remains {
  const nothing = { records: 0, waiting: [], binding: [] };
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) return nothing;
  let database: Database.Database | undefined;
  try {
    const opened = openUnchanged(file);
    database = opened;
    return {
      records: readable(() => Number(opened.prepare('SELECT max(sequence) FROM records').pluck().get())) ?? 0,
      waiting: readable(() => waitingIn(opened)) ?? [],
      binding: readable(() => soundRecords(opened, "kind IN ('command', 'provision')")) ?? [],
    };
  } catch {
    return nothing;
  } finally {
    database?.close();
  }
}

function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

function waitingIn(database: Database.Database): Waiting[] {
  const places = database.prepare<[number], Place>(
    'SELECT channel, session, lane FROM outbox WHERE sequence = ?',
  );
  // With a label goes the reading that it is about. That this was sent is not taken along: it is sent again.
  const again = database.prepare<[string], Place>(
    `SELECT 'result' AS channel, session, lane FROM outbox JOIN records USING (sequence) WHERE case_id = ? LIMIT 1`,
  );
  return soundRecords(
    database,
    `case_id IN (SELECT case_id FROM outbox JOIN records USING (sequence))
     AND (kind IN ('capture', 'reading') OR sequence IN (SELECT sequence FROM outbox))`,
  ).map((record) => {
    const own = places.all(record.sequence);
    const isSent = record.kind === 'reading' && own.length === 0;
    return { record, places: isSent ? again.all(record.caseId) : own };
  });
}

/** Records that are what their digests were taken of. */
function soundRecords(database: Database.Database, condition: string): JournalRecord[] {
  const rows = database.prepare<[], RecordRow>(`SELECT * FROM records WHERE ${condition} ORDER BY sequence`);
  return rows
    .all()
    .map(recordOf)
    .filter((record) => digestOf(record).equals(record.digest));
}

function write(database: Database.Database, broken: ChainBreak, { waiting, binding }: Remains): void {
  const writer = new ChainWriter(database);
  const enqueue = database.prepare<[number, string, string, string]>(
    'INSERT INTO outbox (sequence, channel, session, lane) VALUES (?, ?, ?, ?)',
  );
  const caseId = broken.keptAs ?? 'none';
  writer.append([{ kind: 'break', caseId, payload: JSON.stringify(broken) }]);
  for (const record of binding) writer.append([draftOf(record)], record.recordedAt);
  for (const { record, places } of waiting) {
    const sequence = writer.append([draftOf(record)], record.recordedAt);
    for (const { channel, session, lane } of places) enqueue.run(sequence, channel, session, lane);
  }
}

function draftOf({ kind, caseId, payload }: JournalRecord): RecordDraft {
  return { kind, caseId, payload };
}

function breakIn(file: string): ChainBreak | null {
  return readable(() => {
    const database = new Database(file, { readonly: true });
    try {
      return firstBreak(database);
    } finally {
      database.close();
    }
  });
}

function firstBreak(database: Database.Database): ChainBreak | null {
  const payload = database
    .prepare<[], string>("SELECT payload FROM records WHERE sequence = 1 AND kind = 'break'")
    .pluck()
    .get();
  return payload === undefined ? null : breakSchema.parse(JSON.parse(payload));
}
