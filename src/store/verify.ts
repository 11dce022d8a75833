import Database from 'better-sqlite3';
import { reasonOf } from '../errors.ts';
import { digestOf, GENESIS, type JournalRecord } from './chain.ts';
import { type RecordRow, recordOf } from './rows.ts';

/** Where a journal's chain ends: whoever keeps it elsewhere can later prove that nothing before it was changed. */
export interface ChainHead {
  readonly sequence: number;
  /** Hexadecimal. */
  readonly digest: string;
}

export type Verification =
  | { readonly sound: true; readonly records: number; readonly head: ChainHead; readonly waiting: number }
  | {
      readonly sound: false;
      /** The first bad record, or the place where one is missing. */
      readonly sequence: number;
      readonly problem: string;
    };

/**
 * Walks the whole chain, and checks that the outbox and the records of publication account for every message.
 * @param witnessed earlier heads, kept elsewhere: they must still be in the chain
 */
export function verifyJournal(
  database: Database.Database,
  witnessed: readonly ChainHead[] = [],
): Verification {
  // One look at all of it: a device may work with it meanwhile.
  return database.transaction(() => {
    const chain = verifyChain(database, witnessed);
    const lost = chain.sound ? unaccounted(database) : null;
    if (lost === null) return chain;
    const problem = 'was neither acknowledged nor waits to be sent';
    return { sound: false, sequence: lost, problem } as const;
  })();
}

/**
 * Walks the chain alone, from its beginning or from a later record on.
 * @param after the record whose digest is believed; 0 for the whole chain
 */
export function verifyChain(
  database: Database.Database,
  witnessed: readonly ChainHead[],
  after = 0,
): Verification {
  let sequence = after;
  try {
    let previous = after === 0 ? GENESIS : digestAt(database, after);
    const rows = database.prepare<[number], RecordRow>(
      'SELECT * FROM records WHERE sequence > ? ORDER BY sequence',
    );
    for (const row of rows.iterate(after)) {
      const record = recordOf(row);
      sequence++;
      const problem =
        record.sequence !== sequence
          ? `is missing: the next is ${record.sequence}`
          : !Buffer.from(previous).equals(record.previous)
            ? 'does not name the digest of the record before it'
            : !digestOf(record).equals(record.digest)
              ? 'is not what its digest was taken of'
              : witnessed.some((head) => contradicts(head, record))
                ? 'is not the one that was witnessed'
                : null;
      if (problem !== null) return { sound: false, sequence, problem };
      previous = record.digest;
    }
    const end = Math.max(lastGiven(database), ...witnessed.map((head) => head.sequence));
    if (end > sequence) return { sound: false, sequence: sequence + 1, problem: `is missing, up to ${end}` };
    const waiting = Number(database.prepare('SELECT count(*) FROM outbox').pluck().get());
    return { sound: true, records: sequence, head: { sequence, digest: hexadecimal(previous) }, waiting };
  } catch (cause) {
    if (!isDamage(cause)) throw cause;
    return {
      sound: false,
      sequence: sequence + 1,
      problem: `cannot be read: ${reasonOf(cause)}`,
    };
  }
}

/** Whether the content is wrong, and not merely out of reach for now. */
export function isDamage(error: unknown): boolean {
  if (!(error instanceof Database.SqliteError)) return true;
  return /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);
}

function contradicts(head: ChainHead, { sequence, digest }: JournalRecord): boolean {
  return head.sequence === sequence && head.digest !== hexadecimal(digest);
}

function digestAt(database: Database.Database, sequence: number): Uint8Array {
  const digest: unknown = database
    .prepare('SELECT digest FROM records WHERE sequence = ?')
    .pluck()
    .get(sequence);
  return digest instanceof Uint8Array ? digest : GENESIS;
}

/** The highest number that SQLite has ever given: more than there are records when the newest were taken away. */
function lastGiven(database: Database.Database): number {
  const given = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'records'").pluck().get();
  return Number(given ?? 0);
}

/** The first reading, or label that is a message, that is in nobody's keeping. */
function unaccounted(database: Database.Database): number | null {
  const found = database
    .prepare(
      `SELECT sequence FROM records AS message
       WHERE (kind = 'reading' OR (kind = 'label' AND payload ->> 'schema' IS NOT NULL))
         AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.sequence = message.sequence)
         AND NOT EXISTS (
           SELECT 1 FROM records AS publication
           WHERE publication.case_id = message.case_id AND publication.kind = 'publication'
             AND publication.payload ->> 'message' IS CASE message.kind WHEN 'label' THEN message.payload ->> 'id' END
         )
       ORDER BY sequence LIMIT 1`,
    )
    .pluck()
    .get();
  return found === undefined ? null : Number(found);
}

function hexadecimal(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
