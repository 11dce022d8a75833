import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../src/store/journal.ts';
import { type ChainHead, isDamage, verifyChain, verifyJournal } from '../../src/store/verify.ts';

let folder: string;
let file: string;
let database: Database.Database;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'verify-'));
  file = path.join(folder, 'journal.sqlite');
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Where the chain ends after each of six cases: records 1 and 2, 3 and 4, and so on. */
let heads: ChainHead[];
beforeEach(() => {
  const journal = Journal.open(file);
  heads = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => {
    journal.append({ id, capturedAt: '2026-01-01T00:00:00.000Z', payload: '{}' });
    return journal.head();
  });
  journal.close();
  database = new Database(file, { timeout: 0 });
});

/** Changes the journal as one could who is able to write its file. */
function tamper(...statements: string[]): void {
  database.exec('DROP TRIGGER records_no_update; DROP TRIGGER records_no_delete; DROP TRIGGER records_once');
  database.pragma('foreign_keys = OFF');
  database.pragma('ignore_check_constraints = ON');
  for (const statement of statements) database.exec(statement);
}

describe('the verification of a journal', () => {
  it('says how many records there are, where they end, and how many messages wait', () => {
    expect(verifyJournal(database)).toEqual({ sound: true, records: 12, head: heads[5], waiting: 6 });
    expect(verifyJournal(database, heads)).toMatchObject({ sound: true });
  });

  it.each([
    [
      'content was changed',
      "UPDATE records SET payload = '[]' WHERE sequence = 5",
      5,
      'is not what its digest was taken of',
    ],
    [
      'link was changed',
      'UPDATE records SET previous = zeroblob(32) WHERE sequence = 5',
      5,
      'does not name the digest of the record before it',
    ],
    ['neighbours are gone', 'DELETE FROM records WHERE sequence IN (5, 6)', 5, 'is missing: the next is 7'],
    ['successors are gone', 'DELETE FROM records WHERE sequence > 9', 10, 'is missing, up to 12'],
    [
      'messages are gone',
      'DELETE FROM outbox WHERE sequence IN (6, 10)',
      6,
      'was neither acknowledged nor waits to be sent',
    ],
  ])('names the first record whose %s, and says what is wrong with it', (_, change, sequence, problem) => {
    tamper(change);
    expect(verifyJournal(database)).toEqual({ sound: false, sequence, problem });
  });

  it('names the record that cannot be read, and why', () => {
    tamper("UPDATE records SET kind = 'rumour' WHERE sequence = 7");
    expect(verifyJournal(database)).toEqual({
      sound: false,
      sequence: 7,
      problem: expect.stringMatching(/^cannot be read: .*capture/s),
    });
  });

  it('knows by a head that somebody kept what is not the same any more, and what is not there any more', () => {
    const other = { sequence: 6, digest: 'ab'.repeat(32) };
    expect(verifyJournal(database, [heads[0], other, heads[5]])).toEqual({
      sound: false,
      sequence: 6,
      problem: 'is not the one that was witnessed',
    });
    expect(verifyJournal(database, [{ sequence: 20, digest: other.digest }])).toEqual({
      sound: false,
      sequence: 13,
      problem: 'is missing, up to 20',
    });
  });

  it('takes a reading for accounted for that waits, or that was acknowledged, and no other', () => {
    const acknowledged = Journal.open(file);
    acknowledged.acknowledge(acknowledged.waiting(2));
    acknowledged.close();
    expect(verifyJournal(database)).toMatchObject({ sound: true, records: 14, waiting: 4 });
    tamper('DELETE FROM outbox WHERE sequence = 8');
    expect(verifyJournal(database)).toMatchObject({ sound: false, sequence: 8 });
  });
});

describe('the verification of a part of the chain', () => {
  it('believes the record that it begins after, and looks at each behind it', () => {
    tamper("UPDATE records SET payload = '[]' WHERE sequence = 5");
    expect(verifyChain(database, [], 5)).toEqual({ sound: true, records: 12, head: heads[5], waiting: 6 });
    expect(verifyChain(database, [], 4)).toMatchObject({ sound: false, sequence: 5 });
  });

  it('notices that the first behind it does not follow', () => {
    tamper('UPDATE records SET previous = zeroblob(32) WHERE sequence = 5');
    expect(verifyChain(database, [], 4)).toEqual({
      sound: false,
      sequence: 5,
      problem: 'does not name the digest of the record before it',
    });
  });

  it('misses all that should be behind a record which is not there', () => {
    expect(verifyChain(database, [], 12)).toMatchObject({ sound: true, records: 12 });
    tamper('DELETE FROM records WHERE sequence > 3');
    expect(verifyChain(database, [], 8)).toEqual({
      sound: false,
      sequence: 9,
      problem: 'is missing, up to 12',
    });
  });
});

describe('a journal that is merely out of reach', () => {
  it('is not called broken', () => {
    database.pragma('journal_mode = DELETE');
    const other = new Database(file, { timeout: 0 });
    other.exec('BEGIN EXCLUSIVE');
    expect(() => verifyChain(database, [])).toThrow(expect.objectContaining({ code: 'SQLITE_BUSY' }));
    expect(() => verifyJournal(database)).toThrow(expect.objectContaining({ code: 'SQLITE_BUSY' }));
    other.close();
  });

  it.each(['SQLITE_BUSY', 'SQLITE_IOERR_READ', 'SQLITE_CANTOPEN', 'SQLITE_FULL', 'SQLITE_READONLY'])(
    'is not damage: %s',
    (code) => expect(isDamage(new Database.SqliteError('said by SQLite', code))).toBe(false),
  );

  it.each(['SQLITE_CORRUPT', 'SQLITE_CORRUPT_INDEX', 'SQLITE_NOTADB'])('but is damage with %s', (code) =>
    expect(isDamage(new Database.SqliteError('said by SQLite', code))).toBe(true),
  );
});
