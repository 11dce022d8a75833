import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Check } from './check.ts';

/** An EEPROM of 2021 was seen to ignore `tryboot`: rauc/meta-rauc-community#181. */
const KNOWS_TRYBOOT = Date.UTC(2022, 0, 1);
/** Release notes of the EEPROM: a watchdog of its own until the kernel starts. */
const HAS_WATCHDOG = Date.UTC(2025, 5, 20);

/** The board's watchdog, which restarts a system that hangs. */
export const checkWatchdog: Check = async ({ sys }) => {
  const part = 'watchdog';
  const read = (name: string) =>
    readFile(path.join(sys, 'class/watchdog/watchdog0', name), 'utf8').then(
      (text) => text.trim(),
      () => null,
    );
  const [identity, state, timeout] = await Promise.all(['identity', 'state', 'timeout'].map(read));
  if (identity === null) {
    return { part, state: 'absent', detail: 'no watchdog: a system that hangs waits for a person' };
  }
  const detail = `${identity}, ${timeout ?? 'unknown'} s, ${state ?? 'state unknown'}`;
  if (state === 'active') return { part, state: 'works', detail };
  return { part, state: 'unknown', detail, remedy: 'RuntimeWatchdogSec=14s in /etc/systemd/system.conf' };
};

/** The program in a Raspberry Pi's EEPROM, on which trials of a system rest. */
export const checkBootloader: Check = async ({ root = '/' }) => {
  const part = 'eeprom';
  const file = path.join(root, 'proc/device-tree/chosen/bootloader/build-timestamp');
  const bytes = await readFile(file).catch(() => null);
  if (bytes === null || bytes.length !== 4) {
    return { part, state: 'absent', detail: 'no bootloader of a Raspberry Pi says of when it is' };
  }
  const built = bytes.readUInt32BE(0) * 1000;
  const detail = `bootloader of ${new Date(built).toISOString().slice(0, 10)}`;
  const remedy = 'sudo rpi-eeprom-update -a on Raspberry Pi OS, or the card of Raspberry Pi Imager for it';
  if (built < KNOWS_TRYBOOT) {
    return { part, state: 'broken', detail: `${detail}: it may not try a system before keeping it`, remedy };
  }
  if (built < HAS_WATCHDOG) {
    return {
      part,
      state: 'unknown',
      detail: `${detail}: without a watchdog until the kernel starts`,
      remedy,
    };
  }
  return { part, state: 'works', detail };
};
