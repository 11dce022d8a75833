import Database from 'better-sqlite3';
import { SpikescopeError } from '../errors.ts';
import { RECORD_KINDS } from './chain.ts';
import { journalFault } from './journal-fault.ts';
import { migrateFromSchema1 } from './journal-migration.ts';

/** Marks a SQLite file as a spikescope journal ("spks" in ASCII). */
const APPLICATION_ID = 0x73706b73;
export const JOURNAL_SCHEMA = 2;

const KINDS = RECORD_KINDS.map((kind) => `'${kind}'`).join(', ');

/**
 * `records` is the journal: no row of it is ever changed or removed. `outbox` says which of its payloads some broker
 * still has to acknowledge; its rows go when that has happened, and a record of kind `publication` takes their place.
 * As few trees as will do: each that a commit touches is another page to write, and identifiers touch a new one each.
 */
const SCHEMA = `
  CREATE TABLE records (
    sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL CHECK (kind IN (${KINDS})),
    case_id     TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    payload     TEXT NOT NULL CHECK (json_valid(payload)),
    previous    BLOB NOT NULL CHECK (length(previous) = 32),
    digest      BLOB NOT NULL CHECK (length(digest) = 32)
  ) STRICT;
  CREATE INDEX records_by_case ON records (case_id, kind);
  CREATE TRIGGER records_once BEFORE INSERT ON records WHEN NEW.kind IN ('capture', 'reading', 'command')
    BEGIN
      SELECT RAISE(ABORT, 'this case is recorded already')
        WHERE EXISTS (SELECT 1 FROM records WHERE case_id = NEW.case_id AND kind = NEW.kind);
    END;
  CREATE TRIGGER records_no_update BEFORE UPDATE ON records
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
  CREATE TRIGGER records_no_delete BEFORE DELETE ON records
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
  CREATE TABLE outbox (
    sequence INTEGER NOT NULL REFERENCES records (sequence),
    channel  TEXT NOT NULL CHECK (channel IN ('result', 'fhir')),
    session  TEXT NOT NULL,
    lane     TEXT NOT NULL CHECK (lane IN ('external', 'embedded')),
    PRIMARY KEY (sequence, channel)
  ) STRICT, WITHOUT ROWID;
  CREATE VIEW journal AS
    SELECT reading.sequence, reading.case_id AS id,
      (SELECT capture.payload ->> 'capturedAt' FROM records AS capture
        WHERE capture.case_id = reading.case_id AND capture.kind = 'capture') AS captured_at,
      reading.recorded_at, reading.payload,
      (SELECT max(publication.recorded_at) FROM records AS publication
        WHERE publication.case_id = reading.case_id AND publication.kind = 'publication'
          AND publication.payload ->> 'channel' = 'result') AS published_at
    FROM records AS reading WHERE reading.kind = 'reading';
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${JOURNAL_SCHEMA};
`;

/**
 * Opens a journal's database, creating its tables where the file is new and taking over an older schema.
 * @throws SpikescopeError `JOURNAL_*`
 */
export function openDatabase(file: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { timeout: 5000 });
    // A commit must be on the medium before it is acknowledged: NORMAL would only promise a consistent file.
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    // Records are written once and seldom read: 1 MiB of page cache is plenty, the default would grow to 16.
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
  // Immediate: of two processes that find a new or an old file, one writes the tables and the other then finds them.
  database
    .transaction(() => {
      const application = numberOf(database, 'application_id');
      if (application === 0 && isEmpty(database)) database.exec(SCHEMA);
      else if (application === APPLICATION_ID && numberOf(database, 'user_version') === 1) {
        migrateFromSchema1(database, SCHEMA);
      }
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
