import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultDataFolder, prepareDataFolder } from '../../src/store/folder.ts';
import { Journal, type JournalEntry } from '../../src/store/journal.ts';
import { journalFault } from '../../src/store/journal-fault.ts';
import { JOURNAL_SCHEMA, openDatabase } from '../../src/store/journal-schema.ts';
import { compiled } from '../support/compiled.ts';
import { canMount, fillUp, mountSmallDisk } from '../support/small-disk.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'journal-'));
  file = path.join(folder, 'journal.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function entry(note = ''): JournalEntry {
  const id = randomUUID();
  return { id, capturedAt: new Date().toISOString(), payload: JSON.stringify({ id, note }) };
}

function filled(count: number): { journal: Journal; entries: JournalEntry[] } {
  const journal = Journal.open(file);
  const entries = Array.from({ length: count }, () => entry());
  for (const one of entries) journal.append(one);
  return { journal, entries };
}

describe('the journal', () => {
  it('gives back what was appended, in order and byte for byte, also when opened again', () => {
    const { journal, entries } = filled(20);
    journal.close();
    const reopened = Journal.open(file);
    expect([...reopened.entries()]).toMatchObject(entries.map((one) => ({ ...one, publishedAt: null })));
    expect(reopened.depth()).toBe(20);
    reopened.close();
  });

  it('keeps every text that JSON can hold', () => {
    const journal = Journal.open(file);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const one = entry(text);
        journal.append(one);
        expect(journal.payloadOf(one.id)).toBe(one.payload);
      }),
      { numRuns: 50 },
    );
    journal.close();
  });

  it('keeps a message in the outbox until it is acknowledged, and takes repeats without a word', () => {
    const { journal, entries } = filled(5);
    const waiting = journal.waiting(10);
    expect(waiting.map(({ id, payload }) => ({ id, payload }))).toEqual(
      entries.map(({ id, payload }) => ({ id, payload })),
    );
    const kept = [waiting[2], waiting[4]];
    const gone = waiting.filter((message) => !kept.includes(message));
    journal.acknowledge(gone);
    const head = journal.head();
    journal.acknowledge(gone.slice(1));
    expect(journal.head()).toEqual(head);
    expect(journal.waiting(10)).toEqual(kept);
    expect(journal.waiting(1)).toEqual(kept.slice(0, 1));
    expect(journal.depth()).toBe(2);
    expect([...journal.entries()].map(({ publishedAt }) => publishedAt !== null)).toEqual([
      true,
      true,
      false,
      true,
      false,
    ]);
    journal.close();
  });

  it('tells of the last capture what it belongs to', () => {
    const journal = Journal.open(file);
    expect(journal.lastCapture()).toBeNull();
    const [alone, together] = [entry(), { ...entry(), session: 'patient' }];
    journal.append(alone);
    expect(journal.lastCapture()).toEqual({ capturedAt: alone.capturedAt, session: alone.id });
    journal.append(together);
    journal.acknowledge(journal.waiting(10));
    expect(journal.lastCapture()).toEqual({ capturedAt: together.capturedAt, session: 'patient' });
    journal.close();
  });

  it('sends each result on every channel, the result before what is derived from it, in its session', () => {
    const journal = Journal.open(file, { channels: ['result', 'fhir'] });
    for (const session of ['a', 'b']) journal.append({ ...entry(), session });
    expect(journal.waiting(10).map(({ channel, session }) => [channel, session])).toEqual([
      ['result', 'a'],
      ['fhir', 'a'],
      ['result', 'b'],
      ['fhir', 'b'],
    ]);
    journal.close();
  });

  it('puts readings into the outbox again, in order, and leaves in place what waits there', () => {
    const { journal } = filled(6);
    const before = journal.waiting(10);
    journal.acknowledge([0, 1, 2, 4].map((i) => before[i]));
    expect(journal.requeue(before[1].sequence)).toBe(3);
    expect(journal.waiting(10)).toEqual(before.slice(1));
    expect(journal.verify()).toMatchObject({ sound: true, waiting: 5 });
    journal.close();
  });

  it('refuses a second entry with the same id, a payload that is no JSON, and any change or deletion', () => {
    const { journal, entries } = filled(1);
    expect(() => journal.append(entries[0])).toThrow(
      expect.objectContaining({
        code: 'JOURNAL_FAILED',
        details: expect.objectContaining({ received: expect.stringContaining('recorded already') }),
      }),
    );
    expect(() => journal.append({ ...entry(), payload: 'no json' })).toThrow(/journal failed/);
    const database = new Database(file);
    for (const statement of ["UPDATE records SET payload = '{}'", 'DELETE FROM records']) {
      expect(() => database.exec(statement)).toThrow(/append-only/);
    }
    database.close();
    journal.close();
  });

  it('flushes every commit to the medium', () => {
    const database = openDatabase(file);
    const FULL = 2;
    expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(database.pragma('synchronous', { simple: true })).toBe(FULL);
    database.close();
  });

  it('loses no entry that was reported as appended when the process is killed', async () => {
    const script = `
      import { Journal } from ${JSON.stringify(compiled('store/journal.js').href)};
      const journal = Journal.open(${JSON.stringify(file)});
      for (;;) {
        const id = crypto.randomUUID();
        journal.append({ id, capturedAt: new Date().toISOString(), payload: JSON.stringify({ id }) });
        process.stdout.write(id + '\\n');
      }`;
    for (const patience of [1, 40, 150]) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
      const chunks: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, patience));
      child.kill('SIGKILL');
      await once(child, 'close');
      const reported = Buffer.concat(chunks).toString().split('\n').slice(0, -1);
      const journal = Journal.open(file);
      const kept = new Set([...journal.entries()].map(({ id }) => id));
      expect(journal.verify()).toMatchObject({ sound: true });
      journal.close();
      expect(reported.length).toBeGreaterThan(0);
      expect(reported.filter((id) => !kept.has(id))).toEqual([]);
    }
  });

  it('opens after power loss wherever the write-ahead log was cut off, with the first entries whole', () => {
    const { journal, entries } = filled(12);
    const wal = readFileSync(`${file}-wal`);
    const copy = path.join(folder, 'copy.sqlite');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: wal.length }), (length) => {
        copyFileSync(file, copy);
        writeFileSync(`${copy}-wal`, wal.subarray(0, length));
        rmSync(`${copy}-shm`, { force: true });
        const survivor = Journal.open(copy);
        const kept = [...survivor.entries()].map(({ id }) => id);
        survivor.append(entry());
        survivor.close();
        expect(kept).toEqual(entries.slice(0, kept.length).map(({ id }) => id));
        for (const ending of ['', '-wal', '-shm']) rmSync(copy + ending, { force: true });
      }),
      { numRuns: 60 },
    );
    journal.close();
  });
});

describe('a journal that cannot be opened', () => {
  it('is not a database', () => {
    writeFileSync(file, 'a letter, not a database, and long enough to have a header'.repeat(20));
    expect(() => Journal.open(file)).toThrow(expect.objectContaining({ code: 'JOURNAL_NOT_A_DATABASE' }));
    expect(readFileSync(file, 'utf8')).toContain('a letter');
  });

  it('belongs to another program', () => {
    const foreign = new Database(file);
    foreign.exec('CREATE TABLE recipes (name TEXT); PRAGMA user_version = 1;');
    foreign.close();
    expect(() => Journal.open(file)).toThrow(expect.objectContaining({ code: 'JOURNAL_FOREIGN' }));
  });

  it('comes from a newer version', () => {
    Journal.open(file).close();
    const newer = new Database(file);
    newer.pragma(`user_version = ${JOURNAL_SCHEMA + 1}`);
    newer.close();
    expect(() => Journal.open(file)).toThrow(
      expect.objectContaining({
        code: 'JOURNAL_NEWER',
        details: expect.objectContaining({ received: `schema ${JOURNAL_SCHEMA + 1}` }),
      }),
    );
  });

  it('is a folder, or lies in none', () => {
    expect(() => Journal.open(folder)).toThrow(expect.objectContaining({ code: 'JOURNAL_NOT_WRITABLE' }));
    expect(() => Journal.open(path.join(folder, 'missing/journal.sqlite'))).toThrow(
      expect.objectContaining({ code: 'JOURNAL_NOT_WRITABLE' }),
    );
  });

  it('was damaged in the middle', () => {
    const { journal } = filled(200);
    journal.close();
    const bytes = readFileSync(file);
    bytes.fill(0xff, 4096, 4096 * 6);
    writeFileSync(file, bytes);
    const read = () => {
      const damaged = Journal.open(file);
      try {
        damaged.append(entry());
      } finally {
        damaged.close();
      }
    };
    expect(read).toThrow(expect.objectContaining({ code: 'JOURNAL_DAMAGED' }));
  });

  it.each([
    ['SQLITE_FULL', 'JOURNAL_DISK_FULL'],
    ['SQLITE_READONLY_DBMOVED', 'JOURNAL_NOT_WRITABLE'],
    ['SQLITE_BUSY_SNAPSHOT', 'JOURNAL_BUSY'],
    ['SQLITE_IOERR_FSYNC', 'JOURNAL_STORAGE'],
    ['SQLITE_MISUSE', 'JOURNAL_FAILED'],
  ])('%s becomes %s', (sqlite, code) => {
    const fault = journalFault(new Database.SqliteError('said by SQLite', sqlite), file);
    expect(fault).toMatchObject({ code, details: { file } });
    expect(fault.describe()).toContain('To mend it');
  });
});

describe('a full disk', () => {
  it.skipIf(!canMount())('ends an append with a word on space, and keeps what was there', () => {
    const unmount = mountSmallDisk(folder, '256k');
    try {
      const journal = Journal.open(file, { capacity: { reserve: 0 } });
      const kept: string[] = [];
      const fill = () => {
        for (;;) {
          const one = entry('x'.repeat(3000));
          journal.append(one);
          kept.push(one.id);
        }
      };
      expect(fill).toThrow(expect.objectContaining({ code: 'JOURNAL_DISK_FULL' }));
      expect([...journal.entries()].map(({ id }) => id)).toEqual(kept);
      const waiting = journal.waiting(64);
      journal.acknowledge(waiting);
      expect(journal.depth()).toBe(kept.length - waiting.length);
      journal.close();
    } finally {
      unmount();
    }
  });
});

describe.skipIf(!canMount())('a disk that others have filled to the last byte', () => {
  it('is called full, still gives what waits, and takes results again when there is room', () => {
    const unmount = mountSmallDisk(folder, '512k');
    try {
      const before = Journal.open(file, { capacity: { reserve: 0 } });
      for (let i = 0; i < 3; i++) before.append(entry());
      before.close();
      const filler = path.join(folder, 'filler');
      fillUp(filler);
      const journal = Journal.open(file, { capacity: { reserve: 0 } });
      const waiting = journal.waiting(10);
      expect(waiting).toHaveLength(3);
      journal.acknowledge(waiting);
      expect(journal.depth()).toBe(0);
      expect(() => journal.append(entry())).toThrow(expect.objectContaining({ code: 'JOURNAL_DISK_FULL' }));
      rmSync(filler);
      journal.append(entry());
      expect(journal.verify()).toMatchObject({ sound: true, records: 11, waiting: 1 });
      journal.close();
    } finally {
      unmount();
    }
  });

  it('is no fault of the medium, where not even a new journal fits', () => {
    const unmount = mountSmallDisk(folder, '64k');
    try {
      fillUp(path.join(folder, 'filler'));
      expect(() => Journal.open(file)).toThrow(expect.objectContaining({ code: 'JOURNAL_DISK_FULL' }));
    } finally {
      unmount();
    }
  });
});

describe('acknowledgements', () => {
  it('are recorded with the next commit, and a capture with the one before it is a single commit', () => {
    const journal = Journal.open(file);
    for (let i = 0; i < 3; i++) {
      journal.append(entry());
      const before = commits();
      journal.acknowledge(journal.waiting(1));
      expect(commits()).toBe(before);
      expect(journal.depth()).toBe(0);
      expect(journal.waiting(1)).toEqual([]);
      expect(journal.oldestWaiting()).toBeNull();
    }
    expect(journal.head().sequence).toBe(8);
    expect(journal.verify()).toMatchObject({ sound: true, records: 9, waiting: 0 });
    journal.close();
  });

  it('are recorded when the journal is closed, and at once when there are many', () => {
    const { journal } = filled(20);
    journal.acknowledge(journal.waiting(12));
    expect(journal.head().sequence).toBe(52);
    journal.acknowledge(journal.waiting(2));
    expect(journal.head().sequence).toBe(52);
    journal.close();
    const reopened = Journal.open(file);
    expect(reopened.head().sequence).toBe(54);
    expect(reopened.depth()).toBe(6);
    reopened.close();
  });

  it('that a process took with it leave the message waiting, under its identifier', () => {
    const { journal, entries } = filled(2);
    journal.acknowledge(journal.waiting(1));
    const other = Journal.open(file);
    expect(other.waiting(10).map(({ id }) => id)).toEqual(entries.map(({ id }) => id));
    other.close();
    journal.close();
  });

  it('outlive a record that is refused', () => {
    const { journal, entries } = filled(2);
    journal.acknowledge(journal.waiting(1));
    expect(() => journal.append(entries[0])).toThrow();
    expect(journal.waiting(10).map(({ id }) => id)).toEqual([entries[1].id]);
    expect(journal.verify()).toMatchObject({ sound: true, records: 5, waiting: 1 });
    journal.close();
  });

  /** Bytes of the log: every commit lengthens it. */
  function commits(): number {
    return statSync(`${file}-wal`).size;
  }
});

describe('a clock that jumps back', () => {
  it('changes no order: what was recorded last is the last', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const journal = Journal.open(file);
      const years = [2026, 1970, 2099, 2001];
      const entries = years.map((year) => {
        vi.setSystemTime(`${year}-05-05T12:00:00.000Z`);
        const one = { ...entry(), session: `session-${year}` };
        journal.append(one);
        expect(journal.lastCapture()).toEqual({ capturedAt: one.capturedAt, session: one.session });
        return one;
      });
      const ids = entries.map(({ id }) => id);
      expect(journal.waiting(10).map(({ id }) => id)).toEqual(ids);
      expect([...journal.entries()].map(({ id }) => id)).toEqual(ids);
      expect(journal.oldestWaiting()).toBe('2026-05-05T12:00:00.000Z');
      expect([...journal.records()].map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      for (const year of [2099, 1970]) {
        vi.setSystemTime(`${year}-06-06T12:00:00.000Z`);
        journal.requeue(1);
        journal.acknowledge(journal.waiting(10));
        const published = new Set([...journal.entries()].map(({ publishedAt }) => publishedAt));
        expect([...published]).toEqual([`${year}-06-06T12:00:00.000Z`]);
      }
      expect(journal.verify()).toMatchObject({ sound: true });
      journal.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it('is no matter in a journal of an earlier version either', () => {
    filled(1).journal.close();
    const database = new Database(file);
    database.exec('DROP VIEW journal; CREATE VIEW journal AS SELECT 1 AS sequence');
    database.close();
    const journal = Journal.open(file);
    expect([...journal.entries()]).toHaveLength(1);
    expect([...journal.entries()][0].publishedAt).toBeNull();
    journal.close();
  });
});

describe('the data folder', () => {
  it('is made where it is missing, for its owner alone', () => {
    const place = path.join(folder, 'a/b');
    prepareDataFolder(place);
    expect(existsSync(place)).toBe(true);
  });

  it('cannot lie below a file', () => {
    writeFileSync(path.join(folder, 'file'), '');
    expect(() => prepareDataFolder(path.join(folder, 'file/below'))).toThrow(
      expect.objectContaining({ code: 'DATA_FOLDER' }),
    );
  });

  it.skipIf(!existsSync('/proc/self'))(
    'cannot lie where nothing can ever be made, and says so at once',
    () => {
      for (const place of ['/proc/spikescope', '/proc/a/b/c']) {
        expect(() => prepareDataFolder(place)).toThrow(expect.objectContaining({ code: 'DATA_FOLDER' }));
      }
    },
  );

  it('is for its owner alone with all that is in it, also where it was made before', () => {
    const names = [
      'journal.sqlite',
      'journal.sqlite-wal',
      'journal.head',
      'device.json',
      'head.spikescope-delta',
    ];
    chmodSync(folder, 0o755);
    for (const name of names) {
      writeFileSync(path.join(folder, name), '');
      chmodSync(path.join(folder, name), 0o644);
    }
    prepareDataFolder(folder);
    expect(permissions(folder)).toBe(0o700);
    for (const name of names) expect(permissions(path.join(folder, name)), name).toBe(0o600);
  });

  it('keeps its permissions where other things lie in it, which stay as they are', () => {
    chmodSync(folder, 0o755);
    for (const name of ['holiday.jpg', 'journal.sqlite']) {
      writeFileSync(path.join(folder, name), '');
      chmodSync(path.join(folder, name), 0o644);
    }
    prepareDataFolder(folder);
    expect(permissions(folder)).toBe(0o755);
    expect(permissions(path.join(folder, 'holiday.jpg'))).toBe(0o644);
    expect(permissions(file)).toBe(0o600);
  });

  it('lets nobody else read what is made in it, whatever the mask of the process', () => {
    const script = `
      import { openDeviceJournal } from ${JSON.stringify(compiled('store/device-journal.js').href)};
      process.umask(0);
      const { journal } = openDeviceJournal(${JSON.stringify(folder)});
      journal.append({ id: 'a', capturedAt: '2026-01-01T00:00:00.000Z', payload: '{}' });
      process.kill(process.pid, 'SIGKILL');`;
    spawnSync(process.execPath, ['--input-type=module', '--eval', script]);
    const names = readdirSync(folder).sort();
    expect(names).toEqual(['journal.head', 'journal.sqlite', 'journal.sqlite-shm', 'journal.sqlite-wal']);
    for (const name of names) expect(permissions(path.join(folder, name)), name).toBe(0o600);
  });

  function permissions(place: string): number {
    return statSync(place).mode & 0o777;
  }

  it('follows XDG_STATE_HOME when that is absolute', () => {
    expect(defaultDataFolder({ XDG_STATE_HOME: '/var/state' })).toBe('/var/state/spikescope');
    expect(defaultDataFolder({ XDG_STATE_HOME: 'state' })).toMatch(/\.local\/state\/spikescope$/);
    expect(defaultDataFolder({})).toMatch(/\.local\/state\/spikescope$/);
  });
});
