import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDeviceJournal } from '../../src/store/device-journal.ts';
import { verifyJournalFile } from '../../src/store/inspect.ts';
import type { Journal } from '../../src/store/journal.ts';
import { compiled } from '../support/compiled.ts';
import { canMount, fillUp, makeReadOnly, mountSmallDisk } from '../support/small-disk.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'inspect-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const fileIn = (place: string) => path.join(place, 'journal.sqlite');

function append(journal: Journal, count: number): void {
  for (let i = 0; i < count; i++) {
    journal.append({ id: randomUUID(), capturedAt: '2026-01-01T00:00:00.000Z', payload: '{}' });
  }
}

/** A folder as SIGKILL leaves it: its last records stand in the log alone. */
function killedIn(place: string): void {
  const { journal } = openDeviceJournal(folder);
  append(journal, 5);
  for (const name of ['journal.sqlite', 'journal.sqlite-wal', 'journal.head']) {
    copyFileSync(path.join(folder, name), path.join(place, name));
  }
  journal.close();
}

function closedIn(place: string): void {
  const { journal } = openDeviceJournal(folder);
  append(journal, 5);
  journal.close();
  cpSync(folder, place, { recursive: true });
}

describe('verifying a journal', () => {
  const SOUND = { sound: true, records: 10, waiting: 5 };

  it.each([
    ['that was closed', closedIn],
    ['whose device was killed', killedIn],
  ])('%s leaves its folder as it was', (_, make) => {
    const place = mkdtempSync(path.join(tmpdir(), 'inspect-'));
    make(place);
    const before = readdirSync(place);
    expect(verifyJournalFile(fileIn(place))).toMatchObject(SOUND);
    expect(readdirSync(place)).toEqual(before);
    rmSync(place, { recursive: true });
  });

  describe.skipIf(!canMount())('on a disk of its own', () => {
    let disk: string;
    let unmount: () => void;
    beforeEach(() => {
      disk = mkdtempSync(path.join(tmpdir(), 'inspect-disk-'));
      unmount = mountSmallDisk(disk, '512k');
    });
    afterEach(() => {
      unmount();
      rmSync(disk, { recursive: true, force: true });
    });

    it.each([
      ['closed', closedIn],
      ['killed', killedIn],
    ])('that cannot be written reads all of it, its device %s', (_, make) => {
      make(disk);
      makeReadOnly(disk);
      expect(verifyJournalFile(fileIn(disk))).toMatchObject(SOUND);
    });

    it.each([
      ['closed', closedIn],
      ['killed', killedIn],
    ])('that is full reads all of it, its device %s', (_, make) => {
      make(disk);
      fillUp(path.join(disk, 'filler'));
      expect(verifyJournalFile(fileIn(disk))).toMatchObject(SOUND);
    });

    it('misses on a disk that cannot be written what the head beside the journal tells of', () => {
      killedIn(disk);
      rmSync(`${fileIn(disk)}-wal`);
      makeReadOnly(disk);
      expect(verifyJournalFile(fileIn(disk))).toMatchObject({
        sound: false,
        problem: 'is missing, up to 10',
      });
    });
  });

  it('can be done while a device works with it, again and again', async () => {
    const script = `
      import { openDeviceJournal } from ${JSON.stringify(compiled('store/device-journal.js').href)};
      const { journal } = openDeviceJournal(${JSON.stringify(folder)});
      for (;;) {
        journal.append({ id: crypto.randomUUID(), capturedAt: '2026-01-01T00:00:00.000Z', payload: '{}' });
        process.stdout.write('.');
      }`;
    const device = spawn(process.execPath, ['--input-type=module', '--eval', script]);
    try {
      let records = 0;
      for (let i = 0; i < 10; i++) {
        await once(device.stdout, 'data');
        const verification = verifyJournalFile(fileIn(folder));
        if (!verification.sound) throw new Error(verification.problem);
        expect(verification.records).toBeGreaterThanOrEqual(records);
        records = verification.records;
      }
      expect(records).toBeGreaterThan(0);
    } finally {
      device.kill('SIGKILL');
      await once(device, 'close');
    }
  });
});
