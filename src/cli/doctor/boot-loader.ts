import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Check, Finding } from './check.ts';

const part = 'boot-loader';
/** Bit of `capabilities` by which the boot loader of a Raspberry Pi says that it can try a partition once. */
const TRIES_PARTITIONS = 1 << 2;
/** Release notes of the EEPROM: from then on it has a watchdog until the kernel starts. */
const HAS_WATCHDOG = Date.UTC(2025, 5, 20);
const REMEDY = 'bring its EEPROM up to date with rpi-eeprom-update, once, from Raspberry Pi OS';

/**
 * The program in a Raspberry Pi's EEPROM, on which trials of a system rest; needed where slots are there, which the kernel's
 * command line says. What it says of itself lies in the device tree; whether BOOT_WATCHDOG_TIMEOUT is set does not.
 */
export const checkBootLoader: Check = async ({ root = '/' }) => {
  const commandLine = await readFile(path.join(root, 'proc/cmdline'), 'utf8').catch(() => '');
  const isNeeded = /(^|\s)spikescope\.slot=/.test(commandLine);
  const folder = path.join(root, 'proc/device-tree/chosen/bootloader');
  const [seconds, capabilities] = await Promise.all(
    ['build-timestamp', 'capabilities'].map((name) => numberIn(path.join(folder, name))),
  );
  if (seconds === null) {
    const detail = 'no boot loader of a Raspberry Pi says what it can do';
    return { part, state: isNeeded ? 'unknown' : 'absent', detail };
  }
  const built = seconds * 1000;
  const detail = `of ${new Date(built).toISOString().slice(0, 10)}`;
  const lack = lackOf(built, capabilities ?? 0);
  if (lack === null) return { part, state: 'works', detail: `${detail}: tries systems, has a watchdog` };
  const state: Finding['state'] = isNeeded ? 'broken' : 'absent';
  return { part, state, detail: `${detail}: ${lack}`, remedy: REMEDY };
};

function lackOf(built: number, capabilities: number): string | null {
  if ((capabilities & TRIES_PARTITIONS) === 0) return 'too old to start a system on trial';
  if (built < HAS_WATCHDOG) return 'it has no watchdog: a system that hangs before its kernel runs stays so';
  return null;
}

/** Of 32 bits, most significant byte first, as a device tree has them; null where there is none. */
async function numberIn(file: string): Promise<number | null> {
  const bytes = await readFile(file).catch(() => null);
  return bytes?.length === 4 ? bytes.readUInt32BE() : null;
}
