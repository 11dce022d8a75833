/** What `doctor` says of the boot loader on which the trial of a system relies. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkBootLoader } from '../../../src/cli/doctor/boot-loader.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'loader-'));
  mkdirSync(path.join(root, 'proc/device-tree/chosen/bootloader'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(name: string, number: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  writeFileSync(path.join(root, 'proc/device-tree/chosen/bootloader', name), bytes);
}

const look = (isImage: boolean) => {
  writeFileSync(path.join(root, 'proc/cmdline'), isImage ? 'quiet spikescope.slot=a panic=10\n' : 'quiet\n');
  return checkBootLoader({ dev: '/dev', sys: '/sys', model: '', dataFolder: '', root });
};
const seconds = (date: string) => Date.parse(date) / 1000;

it.each([
  ['2021-04-29', 0x0b, true, 'broken', 'too old to start a system on trial'],
  ['2021-04-29', 0x0b, false, 'absent', 'too old'],
  ['2024-09-23', 0xff, true, 'broken', 'BOOT_WATCHDOG_TIMEOUT is unknown to it'],
  ['2024-09-23', 0xff, false, 'works', 'BOOT_WATCHDOG_TIMEOUT is unknown to it'],
  ['2025-06-20', 0xff, true, 'works', 'has a watchdog'],
] as const)(
  'of one of %s with capabilities %i says, image %s: %s',
  async (date, capabilities, isImage, state, words) => {
    write('build-timestamp', seconds(date));
    write('capabilities', capabilities);
    expect(await look(isImage)).toMatchObject({
      part: 'boot loader',
      state,
      detail: expect.stringContaining(words),
    });
  },
);

it('cannot tell where the firmware says nothing, and needs nothing on a device without slots', async () => {
  expect(await look(true)).toMatchObject({ state: 'unknown' });
  expect(await look(false)).toMatchObject({ state: 'absent' });
});
