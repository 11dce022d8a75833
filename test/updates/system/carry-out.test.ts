import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { carryOut } from '../../../src/updates/system/carry-out.ts';
import { committedSlot, request } from '../../../src/updates/system/places.ts';
import { SlotMachine, smallSystem } from '../../support/updates/systems.ts';

const RIGHTS = {
  withWritable: (_: string, work: () => Promise<void>) => work(),
  restart: () => Promise.reject(new Error('nobody asked for that')),
};

let folder: string;
let umask: number;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'carry-out-'));
  umask = process.umask(0o077);
});
afterEach(() => {
  process.umask(umask);
  rmSync(folder, { recursive: true, force: true });
});

it('shows everybody which slot is committed, though only root may read the partition where that stands', async () => {
  const machine = new SlotMachine(folder, smallSystem(0));
  machine.start('b');
  // As FAT has it: one mode for all of its files.
  chmodSync(machine.autoboot, 0o700);
  const shown = path.join(folder, 'shown');
  mkdirSync(shown);
  writeFileSync(path.join(shown, 'autoboot.txt'), readFileSync(machine.autoboot));
  chmodSync(path.join(shown, 'autoboot.txt'), 0o644);

  await request(machine.data, 'commit');
  expect(await carryOut({ data: machine.data, places: machine.places, rights: RIGHTS, shown })).toBe(
    'commit',
  );
  expect(await committedSlot({ ...machine.places, config: shown })).toBe('b');
  expect(statSync(path.join(shown, 'autoboot.txt')).mode & 0o777).toBe(0o644);
});
