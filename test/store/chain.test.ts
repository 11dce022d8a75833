import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, GENESIS, type JournalRecord } from '../../src/store/chain.ts';
import { Journal } from '../../src/store/journal.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'chain-'));
  file = path.join(folder, 'journal.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A journal with everything in it that happens to a case; 5 records for each. */
function eventful(cases: number): Journal {
  const journal = Journal.open(file);
  for (let i = 0; i < cases; i++) {
    const id = randomUUID();
    journal.append({ id, capturedAt: new Date().toISOString(), payload: JSON.stringify({ id, i }) });
    journal.record([
      { kind: 'label', caseId: id, payload: '{"label":"nv"}' },
      { kind: 'update', caseId: id, payload: '{"kept":true}' },
    ]);
    journal.acknowledge(journal.waiting(1));
  }
  return journal;
}

/** Changes the file behind the journal's back, as one could who is able to write it. */
function tamper(...statements: string[]): void {
  const database = new Database(file);
  database.exec('DROP TRIGGER records_no_update; DROP TRIGGER records_no_delete; DROP TRIGGER records_once');
  database.pragma('foreign_keys = OFF');
  for (const statement of statements) database.exec(statement);
  database.close();
}

function verification() {
  const journal = Journal.open(file);
  try {
    return journal.verify();
  } finally {
    journal.close();
  }
}

describe('the chain', () => {
  it('is sound after everything that a device does, and ends at its head', () => {
    const journal = eventful(10);
    expect(journal.verify()).toEqual({ sound: true, records: 50, head: journal.head(), waiting: 0 });
    journal.close();
    expect(verification()).toMatchObject({ sound: true, records: 50 });
  });

  it('is sound while it is empty', () => {
    expect(verification()).toEqual({
      sound: true,
      records: 0,
      head: { sequence: 0, digest: '00'.repeat(32) },
      waiting: 0,
    });
  });

  it.each([
    ['payload', `payload = '{"id":1}'`],
    ['payload by one space', "payload = payload || ' '"],
    ['kind', "kind = 'undo'"],
    ['case', "case_id = 'other'"],
    ['time', "recorded_at = '2020-01-01T00:00:00.000Z'"],
    ['digest', 'digest = zeroblob(32)'],
    ['predecessor', 'previous = zeroblob(32)'],
  ])('names the first record whose %s was changed', (_, change) => {
    eventful(6).close();
    tamper(`UPDATE records SET ${change} WHERE sequence IN (17, 23)`);
    expect(verification()).toMatchObject({ sound: false, sequence: 17 });
  });

  it('names the place where records were taken out, also at its end', () => {
    eventful(6).close();
    tamper('DELETE FROM records WHERE sequence IN (11, 12)');
    expect(verification()).toMatchObject({ sound: false, sequence: 11 });
  });

  it('notices that its newest records were taken away', () => {
    eventful(6).close();
    tamper('DELETE FROM records WHERE sequence > 25');
    expect(verification()).toMatchObject({ sound: false, sequence: 26 });
  });

  it('notices two records that changed places, and one whose digest was made to fit', () => {
    eventful(6).close();
    tamper(
      'UPDATE records SET sequence = 1000 WHERE sequence = 8',
      'UPDATE records SET sequence = 8 WHERE sequence = 9',
      'UPDATE records SET sequence = 9 WHERE sequence = 1000',
    );
    expect(verification()).toMatchObject({ sound: false, sequence: 8 });
  });

  it('that was forged from some record on contradicts a head that somebody kept', () => {
    const journal = eventful(4);
    const witnessed = journal.head();
    const records = [...journal.records()];
    journal.close();
    const forged = forge(records, 12);
    tamper(
      ...forged.map(
        ({ sequence, payload, previous, digest }) =>
          `UPDATE records SET payload = '${payload}', previous = x'${hexadecimal(previous)}',
             digest = x'${hexadecimal(digest)}' WHERE sequence = ${sequence}`,
      ),
    );
    const again = Journal.open(file);
    expect(again.verify()).toMatchObject({ sound: true });
    expect(again.verify(witnessed)).toMatchObject({ sound: false, sequence: witnessed.sequence });
    again.close();
  });

  it('names a reading that was neither acknowledged nor waits', () => {
    const journal = eventful(2);
    const id = randomUUID();
    const sequence = journal.append({ id, capturedAt: '2026-01-01T00:00:00.000Z', payload: '{}' });
    journal.close();
    tamper('DELETE FROM outbox');
    expect(verification()).toEqual({
      sound: false,
      sequence,
      problem: expect.stringContaining('neither acknowledged nor waits'),
    });
  });

  it('gives different records different digests', () => {
    const record = fc.record({
      previous: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      sequence: fc.nat(),
      kind: fc.constantFrom('label', 'update'),
      caseId: fc.string(),
      recordedAt: fc.string(),
      payload: fc.string(),
    });
    fc.assert(
      fc.property(record, record, (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        expect(digestOf(a).equals(digestOf(b))).toBe(same);
      }),
    );
    // Shifting a boundary between two fields must not give the same bytes.
    const base = { previous: GENESIS, sequence: 1, kind: 'label', recordedAt: '' } as const;
    expect(digestOf({ ...base, caseId: 'ab', payload: 'c' })).not.toEqual(
      digestOf({ ...base, caseId: 'a', payload: 'bc' }),
    );
  });

  it('takes the digest of the same bytes for ever, so that older journals stay sound', () => {
    const previous = new Uint8Array(32).fill(0xab);
    const record = { kind: 'label', caseId: 'é', recordedAt: '2026-01-01T00:00:00.000Z' } as const;
    const text = `["${'ab'.repeat(32)}",7,"label","é","2026-01-01T00:00:00.000Z","{\\"a\\": 1}"]`;
    expect(digestOf({ ...record, previous, sequence: 7, payload: '{"a": 1}' })).toEqual(
      createHash('sha256').update(Buffer.from(text, 'utf8')).digest(),
    );
  });

  it.each([
    ...['capture', 'reading', 'label', 'update', 'undo', 'reset', 'publication', 'command', 'migration'],
    'break',
  ] as const)('takes records of the kind %s', (kind) => {
    const journal = Journal.open(file);
    expect(journal.record([{ kind, caseId: 'a', payload: '{}' }])).toBe(1);
    expect([...journal.records()]).toMatchObject([{ kind, caseId: 'a', payload: '{}', sequence: 1 }]);
    journal.close();
  });

  it('takes one time for all that is recorded together, and says where that ends', () => {
    const journal = Journal.open(file);
    const drafts = ['a', 'b', 'c'].map((caseId) => ({ kind: 'label', caseId, payload: '{}' }) as const);
    expect(journal.record(drafts)).toBe(3);
    expect(journal.head().sequence).toBe(3);
    expect(new Set([...journal.records()].map(({ recordedAt }) => recordedAt)).size).toBe(1);
    journal.close();
  });

  it('never forks, whoever writes', () => {
    const [one, other] = [Journal.open(file), Journal.open(file)];
    for (let i = 0; i < 20; i++) {
      const id = randomUUID();
      (i % 2 ? one : other).append({ id, capturedAt: '2026-01-01T00:00:00.000Z', payload: '{}' });
    }
    expect(one.verify()).toMatchObject({ sound: true, records: 40 });
    one.close();
    other.close();
  });

  it('takes several records whole or not at all', () => {
    const journal = eventful(1);
    const head = journal.head();
    expect(() =>
      journal.record([
        { kind: 'label', caseId: 'x', payload: '{}' },
        { kind: 'update', caseId: 'x', payload: 'no json' },
      ]),
    ).toThrow(expect.objectContaining({ code: 'JOURNAL_FAILED' }));
    expect(journal.head()).toEqual(head);
    journal.close();
  });
});

/** The records from `from` on with another payload, chained anew as the writer would have. */
function forge(records: readonly JournalRecord[], from: number): JournalRecord[] {
  let { previous } = records[from - 1];
  return records.slice(from - 1).map((record) => {
    const changed = { ...record, payload: '{"forged":true}', previous };
    const digest = digestOf(changed);
    previous = digest;
    return { ...changed, digest };
  });
}

function hexadecimal(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
