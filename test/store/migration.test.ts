import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDeviceJournal } from '../../src/store/device-journal.ts';
import { verifyJournalFile } from '../../src/store/inspect.ts';
import { Journal } from '../../src/store/journal.ts';
import { JOURNAL_SCHEMA } from '../../src/store/journal-schema.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'migration-'));
  file = path.join(folder, 'journal.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What version 0.1 wrote, word for word. */
const SCHEMA_1 = `
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
  CREATE TRIGGER results_no_update BEFORE UPDATE ON results
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
  CREATE TRIGGER results_no_delete BEFORE DELETE ON results
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
  CREATE TRIGGER publications_no_update BEFORE UPDATE ON publications
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
  CREATE TRIGGER publications_no_delete BEFORE DELETE ON publications
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
  PRAGMA application_id = ${0x73706b73};
  PRAGMA user_version = 1;
`;

/** A journal of schema 1 in which every third result is published. */
function oldJournal(count: number, isOpen = false) {
  const database = new Database(file);
  database.pragma('journal_mode = WAL');
  database.exec(SCHEMA_1);
  const insert = database.prepare(
    'INSERT INTO results (id, captured_at, recorded_at, payload) VALUES (?, ?, ?, ?)',
  );
  const results = Array.from({ length: count }, (_, i) => {
    const id = randomUUID();
    const capturedAt = new Date(1_700_000_000_000 + 1000 * i).toISOString();
    const recordedAt = new Date(1_700_000_000_500 + 1000 * i).toISOString();
    const payload = JSON.stringify({ id, capturedAt, text: `naïve ${'€'.repeat(i % 7)}` });
    const { lastInsertRowid } = insert.run(id, capturedAt, recordedAt, payload);
    const publishedAt = i % 3 === 0 ? new Date(1_700_000_000_900 + 1000 * i).toISOString() : null;
    if (publishedAt !== null) {
      database
        .prepare('INSERT INTO publications (sequence, published_at) VALUES (?, ?)')
        .run(lastInsertRowid, publishedAt);
    }
    return { id, capturedAt, recordedAt, payload, publishedAt };
  });
  if (!isOpen) database.close();
  return results;
}

describe('a journal of schema 1', () => {
  it.each([0, 1, 700])('with %d results is taken over: every byte, time and order, chained', (count) => {
    const results = oldJournal(count);
    const journal = Journal.open(file);
    expect([...journal.entries()]).toMatchObject(results);
    expect(journal.verify()).toMatchObject({ sound: true });
    const waiting = results.filter(({ publishedAt }) => publishedAt === null);
    expect(journal.waiting(1000).map(({ payload }) => payload)).toEqual(
      waiting.map(({ payload }) => payload),
    );
    expect([...journal.records()][0]).toMatchObject({
      kind: 'migration',
      payload: JSON.stringify({ from: 1, results: count }),
    });
    journal.close();
  });

  it('is taken over once, and goes on as any other', () => {
    oldJournal(5);
    Journal.open(file).close();
    const journal = Journal.open(file);
    journal.append({ id: randomUUID(), capturedAt: '2026-01-01T00:00:00.000Z', payload: '{}' });
    expect([...journal.records()].filter(({ kind }) => kind === 'migration')).toHaveLength(1);
    expect(journal.verify()).toMatchObject({ sound: true });
    journal.close();
    const database = new Database(file);
    expect(database.pragma('user_version', { simple: true })).toBe(JOURNAL_SCHEMA);
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
    expect(tables.sort()).toEqual(['outbox', 'records', 'sqlite_sequence']);
    database.close();
  });

  it('is the old one or the new one wherever the log of the take-over was cut off', () => {
    const results = oldJournal(40);
    const before = readFileSync(file);
    const reader = new Database(file);
    reader.prepare('SELECT count(*) FROM results').get();
    // Another connection keeps the log from being moved into the file when the journal closes.
    Journal.open(file).close();
    const wal = readFileSync(`${file}-wal`);
    expect(readFileSync(file)).toEqual(before);
    expect(wal.length).toBeGreaterThan(4096);
    const copy = path.join(folder, 'copy.sqlite');
    for (let length = 0; length <= wal.length; length += 1031) {
      copyFileSync(file, copy);
      writeFileSync(`${copy}-wal`, wal.subarray(0, length));
      const survivor = Journal.open(copy);
      expect([...survivor.entries()]).toMatchObject(results);
      expect(survivor.verify()).toMatchObject({ sound: true });
      survivor.close();
      for (const ending of ['', '-wal', '-shm']) rmSync(copy + ending, { force: true });
    }
    reader.close();
  });
});

describe('a journal of schema 2', () => {
  const id = randomUUID();

  /** One whose outbox knows no labels, as version 0.1.0 made it. */
  function journalOfSchema2(): void {
    const journal = Journal.open(file, { channels: ['result', 'fhir'] });
    journal.append({ id, capturedAt: '2026-01-01T00:00:00.000Z', payload: '{}', session: 'patient' });
    journal.record([{ kind: 'label', caseId: id, payload: '{"label":"nv"}' }]);
    journal.close();
    const database = new Database(file);
    database.exec(`
      ALTER TABLE outbox RENAME TO outbox_3;
      CREATE TABLE outbox (
        sequence INTEGER NOT NULL REFERENCES records (sequence),
        channel  TEXT NOT NULL CHECK (channel IN ('result', 'fhir')),
        session  TEXT NOT NULL,
        lane     TEXT NOT NULL CHECK (lane IN ('external', 'embedded')),
        PRIMARY KEY (sequence, channel)
      ) STRICT, WITHOUT ROWID;
      INSERT INTO outbox SELECT * FROM outbox_3;
      DROP TABLE outbox_3;
      DROP INDEX labels;
      PRAGMA user_version = 2;
    `);
    database.close();
  }

  it('goes on in the same chain, keeps what waits, and takes labels', () => {
    journalOfSchema2();
    const verified = verifyJournalFile(file);
    expect(verified).toMatchObject({ sound: true, records: 3, waiting: 2 });
    const journal = Journal.open(file);
    expect(journal.verify()).toEqual(verified);
    expect(journal.waiting(10).map(({ channel, session }) => [channel, session])).toEqual([
      ['result', 'patient'],
      ['fhir', 'patient'],
    ]);
    const payload = '{"schema":"spikescope/label/1","id":"x"}';
    journal.record([{ kind: 'label', caseId: id, payload, isMessage: true }]);
    expect(journal.waiting(10, ['label'])).toMatchObject([{ payload, session: 'patient', reading: '{}' }]);
    journal.close();
    const made = path.join(folder, 'made.sqlite');
    Journal.open(made).close();
    expect(schemaOf(file)).toEqual(schemaOf(made));
  });

  it('whose chain is broken is noticed at the start as one of the present schema is', () => {
    journalOfSchema2();
    const database = new Database(file);
    database.exec("DROP TRIGGER records_no_update; UPDATE records SET payload = '[]' WHERE sequence = 2");
    database.close();
    const { journal, fault } = openDeviceJournal(path.dirname(file));
    expect(fault?.details.received).toContain('record 2 is not what its digest was taken of');
    journal.close();
  });
});

describe('a journal of schema 3', () => {
  const provision = { kind: 'provision', caseId: 'trust', payload: '{"event":"trusted"}' } as const;

  /** One whose records know neither provisioning nor backends: every earlier kind, in the words of that version. */
  function journalOfSchema3(): void {
    const journal = Journal.open(file);
    journal.append({ id: randomUUID(), capturedAt: '2026-01-01T00:00:00.000Z', payload: '{}' });
    journal.close();
    const database = new Database(file);
    database.unsafeMode(true);
    database.pragma('writable_schema = ON');
    database.exec(
      "UPDATE sqlite_schema SET sql = replace(sql, ', ''provision'', ''backend''', '') WHERE name = 'records'",
    );
    database.pragma('user_version = 3');
    database.close();
  }

  it('goes on in the same chain in its own file, and takes records of provisioning and of backends', () => {
    journalOfSchema3();
    const database = new Database(file);
    const sql = database.prepare("SELECT sql FROM sqlite_schema WHERE name = 'records'").pluck().get();
    database.close();
    expect(sql).toContain("'command', 'migration'");
    const journal = Journal.open(file);
    const before = journal.verify();
    expect(before).toMatchObject({ sound: true, records: 2 });
    journal.record([provision]);
    journal.record([{ kind: 'backend', caseId: 'akida', payload: '{"backend":"akida"}' }]);
    expect(journal.lastPayloadOf('trust', 'provision')).toBe(provision.payload);
    expect(journal.payloadsOf('akida', 'backend')).toEqual(['{"backend":"akida"}']);
    expect(journal.verify()).toMatchObject({ sound: true, records: 4 });
    journal.close();
    const made = path.join(folder, 'made.sqlite');
    Journal.open(made).close();
    expect(schemaOf(file)).toEqual(schemaOf(made));
    const again = new Database(file);
    expect(again.pragma('integrity_check', { simple: true })).toBe('ok');
    again.close();
  });

  it('refuses a kind that no version knows, also after it was taken over', () => {
    journalOfSchema3();
    Journal.open(file).close();
    const database = new Database(file);
    const insert = database.prepare(
      `INSERT INTO records (kind, case_id, recorded_at, payload, previous, digest)
       VALUES ('gossip', 'x', 'x', '{}', zeroblob(32), zeroblob(32))`,
    );
    expect(() => insert.run()).toThrow(/CHECK/);
    database.close();
  });
});

function schemaOf(of: string): unknown[] {
  const database = new Database(of);
  const rows = database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all();
  database.close();
  return rows;
}
