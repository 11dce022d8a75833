import type Database from 'better-sqlite3';
import { journalFault } from './journal-fault.ts';
import { openDatabase } from './journal-schema.ts';

/** A result on its way into the journal. */
export interface JournalEntry {
  /** UUID; a second entry with the same one is refused. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly capturedAt: string;
  /** JSON, exactly the bytes that are published. */
  readonly payload: string;
}

/** A result that is in the journal. */
export interface RecordedEntry extends JournalEntry {
  /** Increasing in the order of recording, never reused. */
  readonly sequence: number;
  readonly recordedAt: string;
  /** When the broker acknowledged it; null before that. */
  readonly publishedAt: string | null;
}

interface Row {
  sequence: number;
  id: string;
  captured_at: string;
  recorded_at: string;
  payload: string;
  published_at: string | null;
}

const COLUMNS = 'sequence, id, captured_at, recorded_at, payload, published_at';

/**
 * Every result that this device ever made, append-only, in SQLite. `append` returns after the entry has reached the
 * storage medium (write-ahead log, flushed at every commit), so that it outlives SIGKILL and power loss.
 * All methods throw SpikescopeError `JOURNAL_*` when the database fails.
 */
export class Journal {
  readonly file: string;
  readonly #database: Database.Database;
  readonly #append: Database.Statement<[string, string, string, string]>;
  readonly #publish: Database.Statement<[number, string]>;
  readonly #unpublished: Database.Statement<[number, number], Row>;
  readonly #entries: Database.Statement<[number], Row>;
  readonly #lastSequence: Database.Statement<[], number>;
  readonly #countUnpublished: Database.Statement<[number, number], number>;

  private constructor(file: string, database: Database.Database) {
    this.file = file;
    this.#database = database;
    this.#append = database.prepare(
      'INSERT INTO results (id, captured_at, recorded_at, payload) VALUES (?, ?, ?, ?)',
    );
    this.#publish = database.prepare(
      'INSERT INTO publications (sequence, published_at) VALUES (?, ?) ON CONFLICT DO NOTHING',
    );
    this.#unpublished = database.prepare(
      `SELECT ${COLUMNS} FROM journal WHERE sequence > ? AND published_at IS NULL ORDER BY sequence LIMIT ?`,
    );
    this.#entries = database.prepare(`SELECT ${COLUMNS} FROM journal WHERE sequence > ? ORDER BY sequence`);
    this.#lastSequence = database
      .prepare<[], number>('SELECT coalesce(max(sequence), 0) FROM results')
      .pluck();
    this.#countUnpublished = database
      .prepare<[number, number], number>(
        'SELECT count(*) FROM journal WHERE sequence > ? AND sequence <= ? AND published_at IS NULL',
      )
      .pluck();
  }

  /**
   * Opens the journal, and creates it where there is none.
   * @throws SpikescopeError `JOURNAL_NOT_A_DATABASE`, `JOURNAL_FOREIGN`, `JOURNAL_NEWER`, `JOURNAL_DAMAGED`,
   *   `JOURNAL_NOT_WRITABLE`, `JOURNAL_DISK_FULL`, `JOURNAL_BUSY`, `JOURNAL_FAILED`
   */
  static open(file: string): Journal {
    const database = openDatabase(file);
    try {
      return new Journal(file, database);
    } catch (cause) {
      database.close();
      throw journalFault(cause, file);
    }
  }

  /** Records a result durably and returns its sequence number. */
  append({ id, capturedAt, payload }: JournalEntry): number {
    return this.#attempt(() =>
      Number(this.#append.run(id, capturedAt, new Date().toISOString(), payload).lastInsertRowid),
    );
  }

  /** Records, in one commit, that the broker has acknowledged these entries. Repeats change nothing. */
  markPublished(sequences: readonly number[]): void {
    const now = new Date().toISOString();
    this.#attempt(() =>
      this.#database.transaction(() => {
        for (const sequence of sequences) this.#publish.run(sequence, now);
      })(),
    );
  }

  /** The oldest `limit` entries after `after` that no broker has acknowledged. */
  unpublished(after: number, limit: number): RecordedEntry[] {
    return this.#attempt(() => this.#unpublished.all(after, limit).map(entryOf));
  }

  /** How many entries after `after`, up to `until` and including it, no broker has acknowledged. */
  countUnpublished(after = 0, until: number = Number.MAX_SAFE_INTEGER): number {
    return this.#attempt(() => this.#countUnpublished.get(after, until) ?? 0);
  }

  /** All entries after `after`, oldest first, read as they are asked for. */
  *entries(after = 0): Generator<RecordedEntry> {
    for (const row of this.#entries.iterate(after)) yield entryOf(row);
  }

  /** Sequence number of the newest entry, 0 in an empty journal. */
  lastSequence(): number {
    return this.#attempt(() => this.#lastSequence.get() ?? 0);
  }

  close(): void {
    this.#database.close();
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (cause) {
      throw journalFault(cause, this.file);
    }
  }
}

function entryOf(row: Row): RecordedEntry {
  return {
    sequence: row.sequence,
    id: row.id,
    capturedAt: row.captured_at,
    recordedAt: row.recorded_at,
    payload: row.payload,
    publishedAt: row.published_at,
  };
}
