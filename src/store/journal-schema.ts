import Database from 'better-sqlite3';
import { SpikescopeError } from '../errors.ts';
import { journalFault } from './journal-fault.ts';

/** Marks a SQLite file as a spikescope journal ("spks" in ASCII). */
const APPLICATION_ID = 0x73706b73;
export const JOURNAL_SCHEMA = 1;

/** Publications are rows of their own, so that no row is ever changed once it is written. */
const SCHEMA = `
  CREATE TABLE results (
    sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    captured_at TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    payload     TEXT NOT NULL CHECK (json_valid(payload))
  ) STRICT;
  CREATE TABLE publications (
    sequence     INTEGER PRIMARY KEY REFERENCES results (sequence),
    published_at TEXT NOT NULL
  ) STRICT;
  CREATE VIEW journal AS
    SELECT results.*, publications.published_at FROM results LEFT JOIN publications USING (sequence);
  ${['results', 'publications']
    .flatMap((table) =>
      ['UPDATE', 'DELETE'].map(
        (change) =>
          `CREATE TRIGGER ${table}_no_${change.toLowerCase()} BEFORE ${change} ON ${table}
             BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;`,
      ),
    )
    .join('\n')}
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${JOURNAL_SCHEMA};
`;

/** Opens a journal's database, creating its tables where the file is new. @throws SpikescopeError `JOURNAL_*` */
export function openDatabase(file: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { timeout: 5000 });
    // A commit must be on the medium before it is acknowledged: NORMAL would only promise a consistent file.
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    // Entries are written once and seldom read: 1 MiB of page cache is plenty, the default would grow to 16.
    database.pragma('cache_size = -1024');
    database.pragma('journal_size_limit = 4194304');
    adopt(database, file);
    return database;
  } catch (cause) {
    database?.close();
    throw journalFault(cause, file);
  }
}

function adopt(database: Database.Database, file: string): void {
  // Immediate: of two processes that find a new file, one creates the tables and the other then finds them.
  database
    .transaction(() => {
      if (numberOf(database, 'application_id') === 0 && isEmpty(database)) database.exec(SCHEMA);
    })
    .immediate();
  const application = numberOf(database, 'application_id');
  if (application !== APPLICATION_ID) {
    throw new SpikescopeError('JOURNAL_FOREIGN', 'This SQLite file belongs to another program', {
      file,
      expected: 'a spikescope journal',
      received: `application id ${application}`,
      remedy: 'give another folder with --data',
    });
  }
  const version = numberOf(database, 'user_version');
  if (version !== JOURNAL_SCHEMA) {
    throw new SpikescopeError('JOURNAL_NEWER', 'The journal was written by another version of spikescope', {
      file,
      expected: `schema ${JOURNAL_SCHEMA}`,
      received: `schema ${version}`,
      remedy: 'run the version that wrote it, or give another folder with --data; do not delete it',
    });
  }
}

function numberOf(database: Database.Database, pragma: string): number {
  return Number(database.pragma(pragma, { simple: true }));
}

function isEmpty(database: Database.Database): boolean {
  return database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
}
