import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal, type JournalOptions } from '../../src/store/journal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'capacity-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(capacity: JournalOptions['capacity']): Journal {
  return Journal.open(path.join(folder, 'journal.sqlite'), { ...(capacity && { capacity }) });
}

function append(journal: Journal): void {
  const id = randomUUID();
  journal.append({ id, capturedAt: new Date().toISOString(), payload: JSON.stringify({ id }) });
}

const MIB = 2 ** 20;

describe('a journal with a bound', () => {
  it('raises the alarm before it takes no more, and can still send what waits then', () => {
    const journal = open({ maximum: 3 * MIB, reserve: MIB, alarm: MIB });
    const levels: string[] = [];
    const fill = () => {
      for (;;) {
        const { level, headroom } = journal.storage();
        expect(level === 'full').toBe(headroom === 0);
        if (levels.at(-1) !== level) levels.push(level);
        append(journal);
      }
    };
    expect(fill).toThrow(expect.objectContaining({ code: 'JOURNAL_FULL' }));
    expect(levels).toEqual(['ample', 'low', 'full']);
    const depth = journal.depth();
    expect(depth).toBeGreaterThan(100);
    while (journal.depth() > 0) journal.acknowledge(journal.waiting(64));
    expect(journal.verify()).toMatchObject({ sound: true });
    expect([...journal.entries()].filter(({ publishedAt }) => publishedAt !== null)).toHaveLength(depth);
    journal.close();
  });

  it('that asks for more than the disk has takes nothing, and says what to do', () => {
    const journal = open({ reserve: 2 ** 60 });
    expect(journal.storage()).toMatchObject({ level: 'full', headroom: 0 });
    expect(() => append(journal)).toThrow(/no room/);
    expect([...journal.entries()]).toEqual([]);
    journal.close();
  });

  it('has room on a disk that has some', () => {
    const journal = open({});
    append(journal);
    expect(journal.storage()).toMatchObject({ level: 'ample' });
    expect(journal.storage().size).toBeGreaterThan(0);
    journal.close();
  });
});
