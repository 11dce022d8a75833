import { randomUUID } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DeviceJournal, openDeviceJournal } from '../../src/store/device-journal.ts';
import { HeadFile } from '../../src/store/head-file.ts';
import { verifyJournalFile } from '../../src/store/inspect.ts';
import { Journal } from '../../src/store/journal.ts';

let folder: string;
let file: string;
let opened: Journal[];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'device-journal-'));
  file = path.join(folder, 'journal.sqlite');
  opened = [];
});
afterEach(() => {
  for (const journal of opened) journal.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(): DeviceJournal {
  const device = openDeviceJournal(folder);
  opened.push(device.journal);
  return device;
}

/** @returns the identifiers, in order */
function append(journal: Journal, count: number): string[] {
  return Array.from({ length: count }, () => {
    const id = randomUUID();
    journal.append({ id, capturedAt: '2026-01-01T00:00:00.000Z', payload: JSON.stringify({ id }) });
    return id;
  });
}

/** A device that made so many results, each of two records, and was ended. */
function worked(count: number): string[] {
  const { journal } = open();
  const ids = append(journal, count);
  journal.close();
  return ids;
}

/** Leaves the folder as SIGKILL leaves it while the log is not worked into the file. */
function killed(count: number): string[] {
  const { journal } = open();
  const ids = append(journal, count);
  const copy = `${folder}-killed`;
  cpSync(folder, copy, { recursive: true });
  journal.close();
  rmSync(folder, { recursive: true });
  cpSync(copy, folder, { recursive: true });
  rmSync(copy, { recursive: true });
  rmSync(`${file}-shm`);
  return ids;
}

function firstRecord(journal: Journal): { kind: string; said: Record<string, unknown> } {
  for (const { kind, payload } of journal.records()) return { kind, said: JSON.parse(payload) };
  throw new Error('an empty journal');
}

const keptNames = () => readdirSync(folder).filter((name) => name.includes('.broken-'));

describe('a device that finds its journal as it left it', () => {
  it('goes on with the chain, start after start', () => {
    for (let start = 0; start < 4; start++) {
      const { journal, fault } = open();
      expect(fault).toBeNull();
      expect(journal.head().sequence).toBe(6 * start);
      append(journal, 3);
      journal.close();
    }
    expect(keptNames()).toEqual([]);
    expect(verifyJournalFile(file)).toMatchObject({ sound: true, records: 24 });
  });

  it('goes on after it was killed, whatever of the head beside the journal had not been flushed', () => {
    killed(5);
    const head = readFileSync(path.join(folder, 'journal.head'));
    expect(HeadFile.read(file)?.sequence).toBe(10);
    for (const slot of [0, 4096]) {
      const torn = Buffer.from(head);
      torn.fill(0, slot, slot + 40);
      writeFileSync(path.join(folder, 'journal.head'), torn);
      expect(HeadFile.read(file)?.sequence).toBeGreaterThanOrEqual(8);
      expect(open().fault).toBeNull();
      opened.pop()?.close();
    }
  });

  it('takes a journal without a head beside it, and keeps one from then on', () => {
    worked(3);
    rmSync(path.join(folder, 'journal.head'));
    const { journal, fault } = open();
    expect(fault).toBeNull();
    expect(HeadFile.read(file)).toEqual(journal.head());
  });

  it('takes a journal that another version has gone on with, which knew nothing of the head', () => {
    worked(3);
    const other = Journal.open(file);
    append(other, 4);
    other.close();
    const { journal, fault } = open();
    expect(fault).toBeNull();
    expect(HeadFile.read(file)).toEqual(journal.head());
  });

  it('keeps a head that is the end of the chain after every commit', () => {
    const { journal } = open();
    for (let i = 0; i < 9; i++) {
      append(journal, 1);
      expect(HeadFile.read(file)).toEqual(journal.head());
    }
  });

  it('leaves a file of somebody else alone', () => {
    writeFileSync(file, 'a letter, not a database, and long enough to have a header'.repeat(20));
    expect(open).toThrow(expect.objectContaining({ code: 'JOURNAL_NOT_A_DATABASE' }));
    expect(readFileSync(file, 'utf8')).toContain('a letter');
    expect(keptNames()).toEqual([]);
  });
});

describe('a device that finds less in its journal than it left', () => {
  const losses: [what: string, lose: () => void, missing: number][] = [
    ['the file is gone', () => rmSync(file), 30],
    ['the file was emptied', () => truncateSync(file), 30],
    ['an older copy was put back', () => copyFileSync(`${file}.older`, file), 20],
    [
      'the newest records were cut off, with all that told of them',
      () =>
        behindItsBack(
          'DELETE FROM outbox WHERE sequence > 26',
          'DELETE FROM records WHERE sequence > 26',
          "UPDATE sqlite_sequence SET seq = 26 WHERE name = 'records'",
        ),
      4,
    ],
    [
      'the chain is broken in its middle',
      () => behindItsBack("UPDATE records SET payload = '{}' WHERE sequence = 8"),
      0,
    ],
    ['it is not a database any more', () => writeFileSync(file, 'x'.repeat(5000)), 30],
  ];

  it.each(losses)(
    '%s: says what is missing, keeps the rest, and begins a chain that names the break',
    (_, lose, missing) => {
      worked(5);
      copyFileSync(file, `${file}.older`);
      const before = HeadFile.read(file);
      worked(10);
      const head = HeadFile.read(file);
      expect(before?.sequence).toBe(10);
      lose();
      const left = existsSync(file) ? readFileSync(file) : null;
      const { journal, fault } = open();
      expect(fault).toMatchObject({ code: 'JOURNAL_BROKEN' });
      expect(fault?.describe()).toContain(`records missing: ${missing}`);
      expect(firstRecord(journal)).toMatchObject({ kind: 'break', said: { missing, expected: head } });
      expect(journal.verify()).toMatchObject({ sound: true });
      if (left !== null) {
        expect(firstRecord(journal).said.keptAs).toBe('journal.sqlite.broken-1');
        expect(readFileSync(`${file}.broken-1`).equals(left)).toBe(true);
      }
      append(journal, 1);
      journal.close();
      expect(open().fault).toBeNull();
      expect(verifyJournalFile(file)).toMatchObject({ sound: true });
    },
  );

  it('misses what stood in a log that is gone', () => {
    worked(5);
    killed(15);
    rmSync(`${file}-wal`);
    const { fault } = open();
    expect(fault?.describe()).toContain('records missing: 30');
  });

  it('misses what stood in a log behind 4 kB that were changed, and keeps that log as it found it', () => {
    const flip = (at: number) => {
      const log = readFileSync(`${file}-wal`);
      for (let i = 0; i < 4096; i++) log[at + i] ^= 0xff;
      writeFileSync(`${file}-wal`, log);
      return log;
    };
    killed(60);
    const length = readFileSync(`${file}-wal`).length;
    const log = flip(Math.floor(length / 2));
    expect(verifyJournalFile(file)).toMatchObject({
      sound: false,
      problem: expect.stringContaining('up to 120'),
    });
    const { journal, fault } = open();
    const { said } = firstRecord(journal);
    expect(fault?.describe()).toContain(`records missing: ${said.missing}`);
    expect(Number(said.missing)).toBeGreaterThan(10);
    expect(Number(said.missing)).toBeLessThan(120);
    expect(readFileSync(`${file}.broken-1-wal`).equals(log)).toBe(true);
  });

  it('takes along what waits to be sent, byte for byte, and no command is taken twice', () => {
    const ids = worked(6);
    const { journal } = open();
    journal.record([{ kind: 'command', caseId: 'restart-1', payload: '{"name":"restart"}' }]);
    journal.acknowledge(journal.waiting(2));
    const waiting = journal.waiting(10);
    journal.close();
    copyFileSync(file, `${file}.older`);
    worked(2);
    copyFileSync(`${file}.older`, file);
    const { journal: anew, fault } = open();
    expect(fault?.describe()).toContain('taken along: 4');
    const said = ({ id, payload, session, channel }: (typeof waiting)[number]) => ({
      id,
      payload,
      session,
      channel,
    });
    expect(anew.waiting(10).map(said)).toEqual(waiting.map(said));
    expect(anew.waiting(10).map(({ id }) => id)).toEqual(ids.slice(2));
    expect(anew.hasCommand('restart-1')).toBe(true);
    expect(anew.verify()).toMatchObject({ sound: true, waiting: 4 });
  });

  it('takes the floors of provisioning along: a broken journal is no way back to older metadata', () => {
    worked(3);
    const { journal } = open();
    const records = ['{"floor":1}', '{"floor":2}'].map(
      (payload) => ({ kind: 'provision', caseId: 'trust', payload }) as const,
    );
    for (const record of records) journal.record([record]);
    journal.close();
    behindItsBack("UPDATE records SET payload = '{}' WHERE sequence = 3");
    const { journal: anew, fault } = open();
    expect(fault).toMatchObject({ code: 'JOURNAL_BROKEN' });
    expect(anew.lastPayloadOf('trust', 'provision')).toBe('{"floor":2}');
    expect(anew.payloadsOf('trust', 'provision')).toHaveLength(2);
  });

  it('takes a label along with the reading that it is about, which is sent again', () => {
    const [id] = worked(1);
    const { journal } = open();
    const label = JSON.stringify({ schema: 'spikescope/label/1', id: 'verdict', result: id });
    const drafts = [{ kind: 'label', caseId: id, payload: label, isMessage: true }] as const;
    journal.acknowledge(journal.waiting(10));
    journal.record(drafts);
    const [waiting] = journal.waiting(10);
    expect(waiting).toMatchObject({ channel: 'label', payload: label });
    journal.close();
    behindItsBack("DELETE FROM records WHERE kind = 'publication'");
    const { journal: anew, fault } = open();
    expect(fault?.describe()).toContain('taken along: 2');
    expect(anew.waiting(10)).toMatchObject([
      { channel: 'result', id, session: waiting.session, payload: waiting.reading },
      { ...waiting, sequence: expect.any(Number) },
    ]);
    expect(anew.verify()).toMatchObject({ sound: true, waiting: 2 });
  });

  it('keeps every journal that was broken, under a name of its own', () => {
    for (let i = 1; i <= 3; i++) {
      worked(2);
      truncateSync(file, 0);
      expect(open().fault).not.toBeNull();
      opened.pop()?.close();
    }
    expect(keptNames().sort()).toEqual([1, 2, 3].map((i) => `journal.sqlite.broken-${i}`));
  });

  it('is wherever it is ended in beginning anew either before it or after it', () => {
    worked(5);
    const head = HeadFile.read(file);
    behindItsBack("UPDATE records SET payload = '{}' WHERE sequence = 3");
    const broken = `${folder}-broken`;
    cpSync(folder, broken, { recursive: true });
    open();
    opened.pop()?.close();
    copyFileSync(file, `${broken}/whole`);
    /** What a process that was ended leaves, one step further each. */
    const steps: ((at: string) => void)[] = [
      (at) => copyFileSync(`${broken}/whole`, `${at}.new`),
      (at) => cpSync(at, `${at}.broken-1`),
      (at) => rmSync(at),
      (at) => cpSync(`${at}.new`, at),
      (at) => rmSync(`${at}.new`),
    ];
    for (let ended = 0; ended <= steps.length; ended++) {
      rmSync(folder, { recursive: true });
      cpSync(broken, folder, { recursive: true });
      for (const step of steps.slice(0, ended)) step(file);
      const { journal } = open();
      expect(firstRecord(journal)).toMatchObject({ kind: 'break', said: { expected: head, missing: 0 } });
      expect(journal.depth()).toBe(5);
      journal.close();
      expect(open().fault).toBeNull();
      opened.pop()?.close();
    }
    rmSync(broken, { recursive: true });
  });

  it('notices a change of any one byte of a record', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom('payload', 'case_id', 'recorded_at'),
        (record, column) => {
          for (const name of readdirSync(folder)) rmSync(path.join(folder, name));
          worked(6);
          behindItsBack(`UPDATE records SET ${column} = ${column} || ' ' WHERE sequence = ${record}`);
          expect(open().fault?.details.received).toContain(`record ${record} `);
          opened.pop()?.close();
        },
      ),
      { numRuns: 12 },
    );
  });
});

/** Changes the file as one could who is able to write it. */
function behindItsBack(...statements: string[]): void {
  const database = new Database(file);
  database.exec('DROP TRIGGER records_no_update; DROP TRIGGER records_no_delete; DROP TRIGGER records_once');
  database.pragma('foreign_keys = OFF');
  for (const statement of statements) database.exec(statement);
  database.close();
}
