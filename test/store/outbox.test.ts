/** What is still to be sent: no message may be lost between two brokers, processes or commits, and none come out of turn. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Journal, type JournalOptions } from '../../src/store/journal.ts';

let folder: string;
let opened: Journal[];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'outbox-'));
  opened = [];
});
afterEach(() => {
  for (const journal of opened) journal.close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

function open(options: JournalOptions = {}): Journal {
  const journal = Journal.open(path.join(folder, 'journal.sqlite'), options);
  opened.push(journal);
  return journal;
}

function append(journal: Journal, ...ids: string[]): void {
  for (const id of ids) journal.append({ id, capturedAt: '2026-01-01T00:00:00.000Z', payload: '{}' });
}

const idsIn = (journal: Journal, limit = 100) => journal.waiting(limit).map(({ id }) => id);
const publicationsIn = (journal: Journal) =>
  [...journal.records()].filter(({ kind }) => kind === 'publication').map(({ caseId }) => caseId);

describe('what waits', () => {
  it('is given in the number that is asked for, whatever was acknowledged before, between or behind', () => {
    const journal = open();
    append(journal, 'a', 'b', 'c', 'd', 'e', 'f');
    const [a, , c, , , f] = journal.waiting(10);
    journal.acknowledge([a, c, f]);
    expect(idsIn(journal, 1)).toEqual(['b']);
    expect(idsIn(journal, 2)).toEqual(['b', 'd']);
    expect(idsIn(journal, 3)).toEqual(['b', 'd', 'e']);
    expect(idsIn(journal, 10)).toEqual(['b', 'd', 'e']);
  });

  it('is the one channel of a reading where the other was acknowledged', () => {
    const journal = open({ channels: ['result', 'fhir'] });
    append(journal, 'a', 'b');
    const [result, , , fhir] = journal.waiting(10);
    journal.acknowledge([result, fhir]);
    const left = () => journal.waiting(10).map(({ id, channel }) => [id, channel]);
    const expected = [
      ['a', 'fhir'],
      ['b', 'result'],
    ];
    expect(left()).toEqual(expected);
    journal.record([]);
    expect(left()).toEqual(expected);
    expect(journal.payloadsOf('a', 'publication')).toEqual(['{"channel":"result"}']);
    expect(journal.payloadsOf('b', 'publication')).toEqual(['{"channel":"fhir"}']);
  });

  it('is counted in the lane that is asked about, and is what only that lane acknowledged', () => {
    const [external, embedded] = [open(), open({ lane: 'embedded' })];
    append(external, 'a', 'b', 'c');
    append(embedded, 'x', 'y');
    expect(idsIn(embedded)).toEqual(['x', 'y']);
    external.acknowledge(external.waiting(1));
    expect(external.depth()).toBe(2);
    expect(external.depth('external')).toBe(2);
    expect(external.depth('embedded')).toBe(2);
    expect(embedded.depth('external')).toBe(3);
  });

  it('is as old as the oldest that nobody acknowledged', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const journal = open();
    const days = [1, 2, 3].map((day) => `2026-01-0${day}T00:00:00.000Z`);
    for (const day of days) {
      vi.setSystemTime(day);
      append(journal, day);
    }
    const [first, second, third] = journal.waiting(10);
    expect(journal.oldestWaiting()).toBe(days[0]);
    journal.acknowledge([second]);
    expect(journal.oldestWaiting()).toBe(days[0]);
    journal.acknowledge([first]);
    expect(journal.oldestWaiting()).toBe(days[2]);
    journal.acknowledge([third]);
    expect(journal.oldestWaiting()).toBeNull();
  });
});

describe('an acknowledgement', () => {
  it('of what does not wait changes nothing', () => {
    const journal = open();
    append(journal, 'a');
    journal.acknowledge([{ sequence: 99, channel: 'result' }]);
    journal.acknowledge([{ sequence: 2, channel: 'fhir' }]);
    expect(journal.depth()).toBe(1);
    expect(idsIn(journal)).toEqual(['a']);
    expect(publicationsIn(journal)).toEqual([]);
  });

  it('that two processes were given is recorded once', () => {
    const [one, other] = [open(), open()];
    append(one, 'a', 'b');
    for (const journal of [one, other]) journal.acknowledge(journal.waiting(1));
    for (const journal of [one, other]) journal.record([]);
    expect(publicationsIn(one)).toEqual(['a']);
    expect(one.depth()).toBe(1);
    expect(other.depth()).toBe(1);
    expect(one.verify()).toMatchObject({ sound: true, waiting: 1 });
  });

  it('is recorded by itself after a while, once for all that came meanwhile', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const [journal, other] = [open(), open()];
    append(journal, 'a', 'b', 'c', 'd');
    journal.acknowledge(journal.waiting(1));
    expect(vi.getTimerCount()).toBe(1);
    journal.acknowledge(journal.waiting(1));
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(9_999);
    expect(publicationsIn(other)).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(publicationsIn(other)).toEqual(['a', 'b']);
    expect(vi.getTimerCount()).toBe(0);
    journal.acknowledge(journal.waiting(1));
    vi.advanceTimersByTime(10_000);
    expect(publicationsIn(other)).toEqual(['a', 'b', 'c']);
  });

  it('of nothing lets no time run, and a closed journal none either', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const journal = open();
    append(journal, 'a');
    journal.acknowledge([]);
    expect(vi.getTimerCount()).toBe(0);
    journal.acknowledge(journal.waiting(1));
    journal.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is recorded at once with the eighth, and not before', () => {
    const [journal, other] = [open(), open()];
    append(journal, ...'abcdefghij');
    journal.acknowledge(journal.waiting(7));
    expect(publicationsIn(other)).toEqual([]);
    journal.acknowledge(journal.waiting(1));
    expect(publicationsIn(other)).toEqual([...'abcdefgh']);
  });

  it('is recorded before anything is said of publications', () => {
    const asked: ((journal: Journal) => unknown)[] = [
      (journal) => [...journal.records()].at(-1)?.kind === 'publication',
      (journal) => [...journal.entries()][0].publishedAt !== null,
      (journal) => journal.payloadsOf('a', 'publication').length === 1,
      (journal) => journal.verify().sound && journal.head().sequence === 3,
    ];
    for (const answer of asked) {
      const journal = open();
      append(journal, 'a');
      journal.acknowledge(journal.waiting(1));
      expect(answer(journal)).toBe(true);
      journal.close();
      rmSync(path.join(folder, 'journal.sqlite'));
    }
  });
});

describe('putting back into the outbox', () => {
  it('is of every channel, from a number on, and says how many messages that makes', () => {
    const journal = open({ channels: ['result', 'fhir'] });
    append(journal, 'a', 'b', 'c');
    journal.acknowledge(journal.waiting(10));
    expect(journal.depth()).toBe(0);
    expect(journal.requeue(4)).toBe(4);
    expect(idsIn(journal)).toEqual(['b', 'b', 'c', 'c']);
    expect(journal.requeue(1)).toBe(2);
    expect(journal.requeue(1)).toBe(0);
  });
});

describe('a label that is a message', () => {
  const label = (id: string, result: string) => ({
    kind: 'label' as const,
    caseId: result,
    payload: JSON.stringify({ schema: 'spikescope/label/1', id, result }),
    isMessage: true,
  });
  const messagesIn = (journal: Journal) =>
    journal.waiting(100).map(({ id, channel, payload }) => [channel, JSON.parse(payload).id ?? id]);

  it('waits from the commit on that records it, behind its result, in its session, with its reading', () => {
    const journal = open({ channels: ['result', 'label', 'fhir'] });
    const capturedAt = '2026-01-01T00:00:00.000Z';
    journal.append({ id: 'a', capturedAt, payload: '{"said":"nv"}', session: 'patient' });
    journal.append({ id: 'b', capturedAt, payload: '{}', session: 'patient' });
    journal.record([label('verdict', 'a'), { kind: 'update', caseId: 'a', payload: '{}' }]);
    expect(messagesIn(journal)).toEqual([
      ['result', 'a'],
      ['fhir', 'a'],
      ['result', 'b'],
      ['fhir', 'b'],
      ['label', 'verdict'],
      ['fhir', 'verdict'],
    ]);
    expect(journal.waiting(100, ['label'])).toEqual([
      {
        ...{ sequence: 5, channel: 'label', session: 'patient', id: 'a', reading: '{"said":"nv"}' },
        payload: label('verdict', 'a').payload,
      },
    ]);
    expect(journal.waiting(100, ['result']).map(({ reading }) => reading)).toEqual([null, null]);
  });

  it('stands alone where the journal has no capture, and is none where it is only recorded', () => {
    const journal = open();
    journal.record([label('verdict', 'gone'), { kind: 'label', caseId: 'b', payload: '{"label":"nv"}' }]);
    expect(journal.waiting(10)).toMatchObject([{ session: 'gone', id: 'gone', reading: null }]);
    expect(journal.verify()).toMatchObject({ sound: true, waiting: 1 });
  });

  it('is acknowledged by its own identifier, and missed where it is neither that nor waits', () => {
    const journal = open();
    append(journal, 'a');
    journal.record([label('first', 'a')]);
    journal.record([label('second', 'a')]);
    journal.acknowledge(journal.waiting(2));
    journal.record([]);
    expect(journal.payloadsOf('a', 'publication')).toEqual([
      '{"channel":"result"}',
      '{"channel":"label","message":"first"}',
    ]);
    expect(messagesIn(journal)).toEqual([['label', 'second']]);
    expect(journal.verify()).toMatchObject({ sound: true });
    const database = new Database(journal.file);
    database.exec('DELETE FROM outbox');
    database.close();
    expect(journal.verify()).toMatchObject({ sound: false, sequence: 4 });
  });

  it('does not stand for its result, which is missed although the label was acknowledged', () => {
    const journal = open();
    append(journal, 'a');
    journal.record([label('verdict', 'a')]);
    journal.acknowledge(journal.waiting(10, ['label']));
    journal.record([]);
    const database = new Database(journal.file);
    database.exec('DELETE FROM outbox');
    database.close();
    expect(journal.verify()).toMatchObject({ sound: false, sequence: 2 });
  });

  it('is put back with the results, from a number on, and one of an earlier version never', () => {
    const journal = open({ channels: ['result', 'label', 'fhir'] });
    append(journal, 'a');
    journal.record([label('verdict', 'a'), { kind: 'label', caseId: 'a', payload: '{"label":"nv"}' }]);
    journal.acknowledge(journal.waiting(10));
    expect(journal.requeue(3)).toBe(2);
    expect(messagesIn(journal)).toEqual([
      ['label', 'verdict'],
      ['fhir', 'verdict'],
    ]);
    expect(journal.requeue(1)).toBe(2);
  });

  it('is found among all labels, the newest first', () => {
    const journal = open();
    append(journal, 'a', 'b');
    journal.record([label('first', 'a')]);
    append(journal, 'c');
    journal.record([label('second', 'b')]);
    expect([...journal.labels()].map(({ caseId }) => caseId)).toEqual(['b', 'a']);
  });
});
