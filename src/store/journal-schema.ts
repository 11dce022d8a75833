import Database from 'better-sqlite3';
import { SpikescopeError } from '../errors.ts';
import { RECORD_KINDS } from './chain.ts';
import { CHANNELS } from './channels.ts';
import { createPrivate } from './folder.ts';
import { journalFault } from './journal-fault.ts';
import { migrateFromSchema1 } from './journal-migration.ts';

/** Marks a SQLite file as a spikescope journal ("spks" in ASCII). */
const APPLICATION_ID = 0x73706b73;
export const JOURNAL_SCHEMA = 4;

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');
const kindsCheck = (kinds: readonly string[]): string => `CHECK (kind IN (${quoted(kinds)}))`;

/** Results with what became of them. The last publication is the one recorded last, whatever the clock said. */
const VIEW = `CREATE VIEW journal AS
    SELECT reading.sequence, reading.case_id AS id,
      (SELECT capture.payload ->> 'capturedAt' FROM records AS capture
        WHERE capture.case_id = reading.case_id AND capture.kind = 'capture') AS captured_at,
      reading.recorded_at, reading.payload,
      (SELECT publication.recorded_at FROM records AS publication
        WHERE publication.case_id = reading.case_id AND publication.kind = 'publication'
          AND publication.payload ->> 'channel' = 'result'
        ORDER BY publication.sequence DESC LIMIT 1) AS published_at
    FROM records AS reading WHERE reading.kind = 'reading'`;

const OUTBOX = `CREATE TABLE outbox (
    sequence INTEGER NOT NULL REFERENCES records (sequence),
    channel  TEXT NOT NULL CHECK (channel IN (${quoted(CHANNELS)})),
    session  TEXT NOT NULL,
    lane     TEXT NOT NULL CHECK (lane IN ('external', 'embedded')),
    PRIMARY KEY (sequence, channel)
  ) STRICT, WITHOUT ROWID;`;

/** Of labels alone, the newest first: captures, of which there are far more, do not touch it. */
const LABELS = "CREATE INDEX labels ON records (sequence) WHERE kind = 'label';";

/**
 * `records` is the journal: no row of it is ever changed or removed. `outbox` says which of its payloads some broker
 * still has to acknowledge; its rows go when that has happened, and a record of kind `publication` takes their place.
 * As few trees as will do: each that a commit touches is another page to write, and identifiers touch a new one each.
 */
const SCHEMA = `
  CREATE TABLE records (
    sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL ${kindsCheck(RECORD_KINDS)},
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
  ${LABELS}
  ${OUTBOX}
  ${VIEW};
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${JOURNAL_SCHEMA};
`;

/** The first schema with the chain of records. */
const CHAINED_SINCE = 2;
/** Its outbox knew no labels; its records are the same, and stay where they are. */
const FROM_SCHEMA_2 = `
  ALTER TABLE outbox RENAME TO outbox_2;
  ${OUTBOX}
  INSERT INTO outbox SELECT sequence, channel, session, lane FROM outbox_2;
  DROP TABLE outbox_2;
  ${LABELS}
`;

/** What records could be in schemas 2 and 3. */
const KINDS_BEFORE_SCHEMA_4 = RECORD_KINDS.filter((kind) => kind !== 'provision' && kind !== 'backend');

/**
 * Bytes. A commit writes whole pages, and a capture touches half a dozen with a few hundred bytes each: small ones spare
 * the medium. A file keeps the size that it was made with.
 */
const PAGE_SIZE = 1024;
/** Bytes of the write-ahead log at which it is worked into the file: what changes again and again is written once. */
const LOG_SIZE = 4 * 2 ** 20;

/**
 * Opens a journal's database, creating its tables where the file is new and taking over an older schema.
 * @throws SpikescopeError `JOURNAL_*`
 */
export function openDatabase(file: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    createPrivate(file);
    database = connect(file, (opened) => {
      opened.pragma(`page_size = ${PAGE_SIZE}`);
      opened.pragma('journal_mode = WAL');
    });
    // A commit must be on the medium before it is acknowledged: NORMAL would only promise a consistent file.
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    // Records are written once and seldom read: 1 MiB of page cache is plenty, the default would grow to 16.
    database.pragma('cache_size = -1024');
    database.pragma(`wal_autocheckpoint = ${Math.floor(LOG_SIZE / numberOf(database, 'page_size'))}`);
    database.pragma(`journal_size_limit = ${LOG_SIZE}`);
    adopt(database, file);
    return database;
  } catch (cause) {
    database?.close();
    throw journalFault(cause, file);
  }
}

/**
 * A connection to a journal. Where the disk is so full that even the file for sharing its log cannot be made, the
 * connection holds the log for itself: what waits can then still be read and sent.
 * @param begin what touches the file first
 */
export function connect(
  file: string,
  begin: (database: Database.Database) => void,
  options: { readonly?: boolean } = {},
): Database.Database {
  const open = (mode: 'NORMAL' | 'EXCLUSIVE'): Database.Database => {
    const database = new Database(file, { ...options, timeout: 5000 });
    try {
      database.pragma(`locking_mode = ${mode}`);
      begin(database);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  };
  try {
    return open('NORMAL');
  } catch (error) {
    if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_IOERR_SHM')) throw error;
    return open('EXCLUSIVE');
  }
}

function adopt(database: Database.Database, file: string): void {
  // Immediate: of two processes that find a new or an old file, one writes the tables and the other then finds them.
  database
    .transaction(() => {
      const application = numberOf(database, 'application_id');
      if (application === 0 && isEmpty(database)) database.exec(SCHEMA);
      if (application !== APPLICATION_ID) return;
      const version = numberOf(database, 'user_version');
      if (version === 1) migrateFromSchema1(database, SCHEMA);
      if (version === CHAINED_SINCE) database.exec(FROM_SCHEMA_2);
      if (version === CHAINED_SINCE || version === 3) admitNewKinds(database);
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
  renewView(database);
}

/**
 * Lets a table of records take kinds that came later. Only the constraint's text changes, as SQLite describes it for changes
 * that touch no content: copying the table would take as much room again as the journal has.
 */
function admitNewKinds(database: Database.Database): void {
  const revision = numberOf(database, 'schema_version');
  database.unsafeMode(true);
  try {
    database.pragma('writable_schema = ON');
    database
      .prepare("UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'records'")
      .run(kindsCheck(KINDS_BEFORE_SCHEMA_4), kindsCheck(RECORD_KINDS));
    database.pragma(`schema_version = ${revision + 1}`);
    database.pragma('writable_schema = RESET');
  } finally {
    database.unsafeMode(false);
  }
  database.pragma(`user_version = ${JOURNAL_SCHEMA}`);
}

/** A view is no record: one of an earlier version is replaced, or at another start where there is no room now. */
function renewView(database: Database.Database): void {
  const present = database.prepare("SELECT sql FROM sqlite_schema WHERE name = 'journal'").pluck().get();
  if (present === VIEW) return;
  try {
    database.transaction(() => database.exec(`DROP VIEW IF EXISTS journal; ${VIEW};`)).immediate();
  } catch (error) {
    if (!(error instanceof Database.SqliteError) || error.code !== 'SQLITE_FULL') throw error;
  }
}

function numberOf(database: Database.Database, pragma: string): number {
  return Number(database.pragma(pragma, { simple: true }));
}

/** Whether these are tables of a journal whose records are chained, as in the present schema. */
export function isChained(database: Database.Database): boolean {
  const version = numberOf(database, 'user_version');
  return (
    numberOf(database, 'application_id') === APPLICATION_ID &&
    version >= CHAINED_SINCE &&
    version <= JOURNAL_SCHEMA
  );
}

export function isEmpty(database: Database.Database): boolean {
  return database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
}
