import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DEVICE_PLACES, runningSlot } from '../../updates/system/places.ts';
import type { Check, Finding } from './check.ts';

/** Bit of `capabilities` by which the boot loader of a Raspberry Pi says that it tries partitions. */
const TRIES_PARTITIONS = 1 << 2;
/** The first boot loader that has a watchdog of its own: rpi-eeprom, release notes of 2025-06-20. */
const FIRST_WITH_WATCHDOG = Date.UTC(2025, 5, 20) / 1000;
const REMEDY = 'bring its EEPROM up to date with rpi-eeprom-update, once, from Raspberry Pi OS';

/**
 * What a system on trial relies on before its kernel runs. What the firmware says of itself lies in the device tree; whether
 * BOOT_WATCHDOG_TIMEOUT is set does not.
 */
export const checkBootLoader: Check = async ({ root = '/' }) => {
  const places = { ...DEVICE_PLACES, commandLine: path.join(root, DEVICE_PLACES.commandLine) };
  const isNeeded = runningSlot(places) !== null;
  const folder = path.join(root, 'proc/device-tree/chosen/bootloader');
  const [built, capabilities] = await Promise.all([
    numberIn(path.join(folder, 'build-timestamp')),
    numberIn(path.join(folder, 'capabilities')),
  ]);
  if (built === null) {
    const detail = 'no boot loader of a Raspberry Pi says what it can do';
    return finding(isNeeded ? 'unknown' : 'absent', detail);
  }
  const date = new Date(built * 1000).toISOString().slice(0, 10);
  const tries = ((capabilities ?? 0) & TRIES_PARTITIONS) !== 0;
  if (!tries) {
    const detail = `of ${date}: too old to start a system on trial`;
    return isNeeded ? finding('broken', detail, REMEDY) : finding('absent', detail);
  }
  if (built >= FIRST_WITH_WATCHDOG)
    return finding('works', `of ${date}: starts systems on trial, has a watchdog`);
  const detail = `of ${date}: starts systems on trial, but BOOT_WATCHDOG_TIMEOUT is unknown to it`;
  return isNeeded
    ? finding('broken', `${detail}: one that hangs before its kernel stays so`, REMEDY)
    : finding('works', detail);
};

function finding(state: Finding['state'], detail: string, remedy?: string): Finding {
  return { part: 'boot loader', state, detail, ...(remedy !== undefined && { remedy }) };
}

/** Of 32 bits, most significant byte first, as a device tree has them; null where there is none. */
async function numberIn(file: string): Promise<number | null> {
  const bytes = await readFile(file).catch(() => null);
  return bytes?.length === 4 ? bytes.readUInt32BE() : null;
}
