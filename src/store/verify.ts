import type Database from 'better-sqlite3';
import { digestOf, GENESIS } from './chain.ts';
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
 * Walks the whole chain, and checks that the outbox and the records of publication account for every reading.
 * @param witnessed an earlier head, kept elsewhere: it must still be in the chain
 */
export function verifyJournal(database: Database.Database, witnessed?: ChainHead): Verification {
  let previous: Uint8Array = GENESIS;
  let sequence = 0;
  const rows = database.prepare<[], RecordRow>('SELECT * FROM records ORDER BY sequence');
  try {
    for (const row of rows.iterate()) {
      const record = recordOf(row);
      sequence++;
      const problem =
        record.sequence !== sequence
          ? `is missing: the next is ${record.sequence}`
          : !Buffer.from(previous).equals(record.previous)
            ? 'does not name the digest of the record before it'
            : !digestOf(record).equals(record.digest)
              ? 'is not what its digest was taken of'
              : witnessed?.sequence === sequence && witnessed.digest !== hexadecimal(record.digest)
                ? 'is not the one that was witnessed'
                : null;
      if (problem !== null) return { sound: false, sequence, problem };
      previous = record.digest;
    }
  } catch (cause) {
    return {
      sound: false,
      sequence: sequence + 1,
      problem: `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    };
  }
  const end = Math.max(lastGiven(database), witnessed?.sequence ?? 0);
  if (end > sequence) return { sound: false, sequence: sequence + 1, problem: `is missing, up to ${end}` };
  const lost = unaccounted(database);
  if (lost !== null) {
    return { sound: false, sequence: lost, problem: 'was neither acknowledged nor waits to be sent' };
  }
  const waiting = Number(database.prepare('SELECT count(*) FROM outbox').pluck().get());
  return { sound: true, records: sequence, head: { sequence, digest: hexadecimal(previous) }, waiting };
}

/** The highest number that SQLite has ever given: more than there are records when the newest were taken away. */
function lastGiven(database: Database.Database): number {
  const given = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'records'").pluck().get();
  return Number(given ?? 0);
}

/** The first reading that is in nobody's keeping. */
function unaccounted(database: Database.Database): number | null {
  const found = database
    .prepare(
      `SELECT sequence FROM records AS reading
       WHERE kind = 'reading' AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.sequence = reading.sequence)
         AND NOT EXISTS (
           SELECT 1 FROM records AS publication
           WHERE publication.case_id = reading.case_id AND publication.kind = 'publication'
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
