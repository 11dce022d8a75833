/** What a journal answers to those who ask it, and what it does when it cannot record. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HeadFile } from '../../src/store/head-file.ts';
import { Journal, type JournalOptions } from '../../src/store/journal.ts';

let folder: string;
let file: string;
let opened: Journal[];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'journal-answers-'));
  file = path.join(folder, 'journal.sqlite');
  opened = [];
});
afterEach(() => {
  vi.useRealTimers();
  for (const journal of opened) journal.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(options: JournalOptions = {}): Journal {
  const journal = Journal.open(file, options);
  opened.push(journal);
  return journal;
}

function append(journal: Journal, id: string, payload: object = {}): number {
  return journal.append({ id, capturedAt: '2026-01-01T00:00:00.000Z', payload: JSON.stringify(payload) });
}

const capture = '{"capturedAt":"2026-01-01T00:00:00.000Z","session":"a"}';

describe('a journal', () => {
  it('says which number a reading has, and a record', () => {
    const journal = open();
    expect([append(journal, 'a'), append(journal, 'b')]).toEqual([2, 4]);
    expect(journal.record([{ kind: 'label', caseId: 'b', payload: '{}' }])).toBe(5);
  });

  it('has the payload of a reading, and of nothing else', () => {
    const journal = open();
    append(journal, 'a', { mine: true });
    journal.record([{ kind: 'label', caseId: 'b', payload: '{}' }]);
    expect(journal.payloadOf('a')).toBe('{"mine":true}');
    expect(journal.payloadOf('b')).toBeNull();
    expect(journal.payloadOf('c')).toBeNull();
  });

  it('has what was recorded of a case in one kind, oldest first', () => {
    const journal = open();
    append(journal, 'a');
    for (const payload of ['2', '1', '3']) journal.record([{ kind: 'label', caseId: 'a', payload }]);
    journal.record([{ kind: 'label', caseId: 'b', payload: '9' }]);
    expect(journal.payloadsOf('a', 'label')).toEqual(['2', '1', '3']);
    expect(journal.payloadsOf('a', 'capture')).toEqual([capture]);
    expect(journal.payloadsOf('a', 'undo')).toEqual([]);
  });

  it('does not record acknowledgements because somebody asks for other kinds', () => {
    const journal = open();
    append(journal, 'a');
    journal.acknowledge(journal.waiting(1));
    journal.payloadsOf('a', 'label');
    expect(journal.head().sequence).toBe(2);
    journal.payloadsOf('a', 'publication');
    expect(journal.head().sequence).toBe(3);
  });

  it('knows whether a result came from one of several sources', () => {
    const journal = open();
    append(journal, 'a', { source: 'camera' });
    append(journal, 'b', { source: 'phantom' });
    journal.record([{ kind: 'label', caseId: 'a', payload: '{"source":"folder"}' }]);
    expect(journal.hasResultFrom(['phantom'])).toBe(true);
    expect(journal.hasResultFrom(['folder', 'camera'])).toBe(true);
    expect(journal.hasResultFrom(['folder'])).toBe(false);
    expect(journal.hasResultFrom([])).toBe(false);
  });

  it('knows which commands were accepted, and takes nothing else for one', () => {
    const journal = open();
    append(journal, 'a');
    journal.record([{ kind: 'command', caseId: 'restart', payload: '{}' }]);
    expect(journal.hasCommand('restart')).toBe(true);
    expect(journal.hasCommand('a')).toBe(false);
  });

  it('gives the records after a number', () => {
    const journal = open();
    for (const id of ['a', 'b']) append(journal, id);
    expect([...journal.records(1)].map(({ sequence, kind }) => [sequence, kind])).toEqual([
      [2, 'reading'],
      [3, 'capture'],
      [4, 'reading'],
    ]);
  });

  it('knows its own head, and an earlier one that must still be in it', () => {
    const journal = open();
    append(journal, 'a');
    const head = journal.head();
    append(journal, 'b');
    expect(head).toEqual({ sequence: 2, digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(journal.verify(head)).toMatchObject({ sound: true });
    expect(journal.verify({ ...head, digest: '00'.repeat(32) })).toMatchObject({ sound: false, sequence: 2 });
  });

  it('tells what is kept beside it of every commit, and closes that with itself', () => {
    new HeadFile(file).reset({ sequence: 0, digest: '00'.repeat(32) });
    const headFile = new HeadFile(file);
    const close = vi.spyOn(headFile, 'close');
    const journal = open({ headFile });
    append(journal, 'a');
    expect(HeadFile.read(file)).toEqual(journal.head());
    expect(close).not.toHaveBeenCalled();
    journal.close();
    expect(close).toHaveBeenCalledOnce();
    journal.close();
    expect(close).toHaveBeenCalledOnce();
  });

  it('says of every method what is wrong, as soon as its file is no journal any more', () => {
    const journal = open();
    append(journal, 'a');
    const database = new Database(file);
    database.exec('ALTER TABLE records RENAME TO elsewhere');
    database.close();
    const failed = expect.objectContaining({
      code: 'JOURNAL_FAILED',
      details: expect.objectContaining({ file }),
    });
    for (const ask of [
      () => journal.waiting(1),
      () => journal.acknowledge([{ sequence: 2, channel: 'result' }]),
      () => journal.oldestWaiting(),
      () => journal.payloadOf('a'),
      () => journal.hasResultFrom(['camera']),
      () => journal.payloadsOf('a', 'label'),
      () => journal.lastCapture(),
      () => journal.hasCommand('a'),
      () => journal.head(),
      () => append(journal, 'b'),
    ]) {
      expect(ask).toThrow(failed);
    }
  });
});

describe('a journal without room', () => {
  const capacity = { reserve: 2 ** 60 };

  it('says so before there is anything to lose, and takes neither results nor other records', () => {
    const journal = open({ capacity });
    const full = expect.objectContaining({ code: 'JOURNAL_FULL' });
    expect(() => journal.requireRoom()).toThrow(full);
    expect(() => append(journal, 'a')).toThrow(full);
    expect(() => journal.record([{ kind: 'label', caseId: 'a', payload: '{}' }])).toThrow(full);
    expect(journal.storage()).toEqual({ level: 'full', headroom: 0, size: expect.any(Number) });
    expect(journal.head().sequence).toBe(0);
  });

  it('still records what was acknowledged', () => {
    append(open(), 'a');
    const journal = open({ capacity });
    journal.acknowledge(journal.waiting(1));
    expect(journal.verify()).toMatchObject({ sound: true, records: 3, waiting: 0 });
  });

  it('has room where only the disk bounds it', () => {
    const journal = open();
    journal.requireRoom();
    append(journal, 'a');
    const size = statSync(file).size + statSync(`${file}-wal`).size;
    expect(journal.storage()).toMatchObject({ size });
  });
});

describe('acknowledgements that cannot be recorded', () => {
  it('are tried again with the next, and the message is not sent meanwhile', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const journal = open();
    append(journal, 'a');
    append(journal, 'b');
    journal.acknowledge(journal.waiting(1));
    const release = refuse();
    vi.advanceTimersByTime(10_000);
    expect(journal.waiting(10).map(({ id }) => id)).toEqual(['b']);
    release();
    journal.acknowledge(journal.waiting(1));
    vi.advanceTimersByTime(10_000);
    expect(journal.head().sequence).toBe(6);
  });

  it('do not keep a journal from closing: they are sent again', () => {
    const journal = open();
    append(journal, 'a');
    journal.acknowledge(journal.waiting(1));
    const release = refuse();
    journal.close();
    release();
    expect(
      open()
        .waiting(10)
        .map(({ id }) => id),
    ).toEqual(['a']);
  });

  it('are a fault for whoever asks for publications, unless it is room that is wanting', () => {
    const journal = open();
    append(journal, 'a');
    journal.acknowledge(journal.waiting(1));
    const release = refuse();
    expect(() => journal.payloadsOf('a', 'publication')).toThrow(
      expect.objectContaining({ code: 'JOURNAL_FAILED' }),
    );
    release();
    expect(journal.payloadsOf('a', 'publication')).toHaveLength(1);
  });

  /** The database takes no publication until the returned function is called. */
  function refuse(): () => void {
    const database = new Database(file);
    database.exec(
      `CREATE TRIGGER refused BEFORE INSERT ON records WHEN NEW.kind = 'publication'
         BEGIN SELECT RAISE(ABORT, 'not now'); END`,
    );
    return () => {
      database.exec('DROP TRIGGER refused');
      database.close();
    };
  }
});
