/** Where a device that has slots for its system keeps them, and what it was started from. */
import { readFileSync, statSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../make-folder.ts';
import { replaceDurably, writeFlushed } from '../../store/durable-file.ts';
import { SLOTS, type Slot } from '../install/contract.ts';
import { updatesFolder } from '../trust/kept-metadata.ts';
import { committedIn } from './autoboot.ts';

/** The images of which a system consists, each in a partition of its own, in the order in which they are written. */
export const IMAGES = ['root', 'boot'] as const;
export type Image = (typeof IMAGES)[number];

export interface SystemPlaces {
  /** Holds one name for each partition: `boot-a`, `boot-b`, `root-a`, `root-b`; devices, or in tests plain files. */
  readonly partitions: string;
  /** Folder of `autoboot.txt`, or of a copy that all may read. */
  readonly config: string;
  /** The kernel's command line, which names the slot that it was started from: `spikescope.slot=a`. */
  readonly commandLine: string;
  /** Says which version this system is: `IMAGE_VERSION`, as in os-release(5). */
  readonly release: string;
}

/** For the appliance, which may not see the partition on which a technician leaves settings. */
export const DEVICE_PLACES: SystemPlaces = {
  // Links of the disk that was booted from alone: a stick may have partitions of the same names.
  partitions: '/dev/spikescope',
  config: '/run/spikescope-boot',
  commandLine: '/proc/cmdline',
  release: '/etc/os-release',
};

/** For what only the administrator may do. */
export const ADMINISTRATOR_PLACES: SystemPlaces = { ...DEVICE_PLACES, config: '/boot/config' };

export const AUTOBOOT = 'autoboot.txt';
/** Of every release of a system. */
export const SYSTEM_NAME = 'spikescope-system';
/** Of a system that does not say which it is: any other is newer. */
const UNKNOWN_VERSION = '0.0.0';

/** The slot from which this very system was started; null on a device that has no slots for it. */
export function runningSlot({ commandLine }: SystemPlaces): Slot | null {
  const [, letter] = /(?:^|\s)spikescope\.slot=([ab])(?:\s|$)/.exec(textOf(commandLine)) ?? [];
  return SLOTS.find((slot) => slot === letter) ?? null;
}

/** The root hash of dm-verity with which this system was started, hexadecimal; null where it names none. */
export function runningRootHash({ commandLine }: SystemPlaces): string | null {
  return /(?:^|\s)spikescope\.verity=([0-9a-f]{64}):/.exec(textOf(commandLine))?.[1] ?? null;
}

/** The slot that an ordinary start takes; null where `autoboot.txt` does not say it as it must. */
export async function committedSlot({ config }: SystemPlaces): Promise<Slot | null> {
  const text = await readFile(path.join(config, AUTOBOOT), 'utf8').catch(() => null);
  return text === null ? null : committedIn(text);
}

/** What this system calls itself; systems of all boards bear one name, since the board is not theirs to choose. */
export function runningRelease({ release }: SystemPlaces): { name: string; version: string } {
  const version = /^IMAGE_VERSION=["']?([A-Za-z0-9][A-Za-z0-9._+-]*)/m.exec(textOf(release))?.[1];
  return { name: SYSTEM_NAME, version: version ?? UNKNOWN_VERSION };
}

export function partitionOf({ partitions }: SystemPlaces, image: Image, slot: Slot): string {
  return path.join(partitions, `${image}-${slot}`);
}

/** Bytes that a partition holds. @throws where there is none */
export async function partitionBytes(file: string): Promise<number> {
  const found = await stat(file);
  if (!found.isBlockDevice()) return found.size;
  const name = path.basename(await realpath(file));
  return Number(await readFile(`/sys/class/block/${name}/size`, 'utf8')) * 512;
}

/** What the appliance may ask of the boot configuration, which it cannot change itself. */
export const REQUESTS = ['commit', 'tryboot', 'reboot'] as const;
export type Request = (typeof REQUESTS)[number];

/** A file at whose sight a unit with more rights carries out what stands in it. */
export function requestFile(data: string): string {
  return path.join(updatesFolder(data), 'boot-request');
}

/** Durable when resolved. */
export async function request(data: string, what: Request): Promise<void> {
  makeFolder(updatesFolder(data), 0o700);
  const file = requestFile(data);
  // Whoever watches for it never finds half of it.
  await replaceDurably(file, `${file}.new`, (fresh) => writeFlushed(fresh, `${what}\n`));
}

/** What the system says of itself is read as far as it is there. */
function textOf(file: string): string {
  try {
    return statSync(file).isFile() ? readFileSync(file, 'utf8') : '';
  } catch {
    return '';
  }
}
