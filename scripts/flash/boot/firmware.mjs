/**
 * What the firmware of a Raspberry Pi does between a reset and the kernel, as far as it chooses: autoboot.txt, the one-shot
 * flag, the filters of config.txt, and the names of kernel, initramfs and command line. Written from its documentation and
 * apart from the device's own reader, whose judge it is. What only a real one shows: that it reads this card at all, its
 * timing, its watchdog, and that a reset keeps the flag and a power cut does not.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BootFailure } from './failure.mjs';

/** Bytes that it reads of autoboot.txt. */
const AUTOBOOT_BYTES = 512;
/** What config.txt of a Raspberry Pi 5 has apply, beside what depends on the start. */
const MODELS = ['pi5'];

/**
 * @typedef {object} Start what it starts
 * @property {number} partition
 * @property {boolean} isOneShot
 * @property {string} kernel a file
 * @property {string | null} initramfs a file
 * @property {string} commandLine
 */

export class Firmware {
  /** Set by a restart that asks for it, cleared before anything is started. */
  #flag = false;

  /** A restart with this argument, as the kernel hands it over; null for an ordinary one. @param {string | null} argument */
  restarted(argument) {
    this.#flag = /^\d+ tryboot$/.test(argument ?? '');
  }

  /** Power was cut: nothing is remembered. */
  powerCut() {
    this.#flag = false;
  }

  /** The partition that an ordinary start takes; null where the file names none. @param {import('./disk.mjs').Disk} disk */
  committed(disk) {
    const text = disk.readFat(1, 'autoboot.txt')?.subarray(0, AUTOBOOT_BYTES).toString('latin1') ?? '';
    return Number(settingsIn(text, () => false).get('boot_partition') ?? 0) || null;
  }

  /**
   * @param {import('./disk.mjs').Disk} disk
   * @param {string} folder for the files that are taken out of the partition
   * @returns {Start}
   */
  start(disk, folder) {
    const isOneShot = this.#flag;
    this.#flag = false;
    const autoboot = disk.readFat(1, 'autoboot.txt')?.subarray(0, AUTOBOOT_BYTES).toString('latin1') ?? '';
    const chosen = settingsIn(autoboot, (filter) => filter === 'tryboot' && isOneShot);
    const partition = Number(chosen.get('boot_partition') ?? 0) || 1;
    const isPartitionTried = chosen.get('tryboot_a_b') === '1';
    const name = isOneShot && !isPartitionTried ? 'tryboot.txt' : 'config.txt';
    const text = disk.readFat(partition, name)?.toString('latin1');
    if (text === undefined) {
      throw new BootFailure('BOOT_CONFIG', 'The firmware finds nothing to start', {
        place: `${name} of partition ${partition}`,
      });
    }
    const config = settingsIn(text, (filter) => applies(filter, partition, isOneShot));
    return this.#files(disk, partition, config, folder, isOneShot);
  }

  /**
   * @param {import('./disk.mjs').Disk} disk @param {number} partition
   * @param {ReadonlyMap<string, string>} config @param {string} folder @param {boolean} isOneShot
   */
  #files(disk, partition, config, folder, isOneShot) {
    mkdirSync(folder, { recursive: true });
    const take = (/** @type {string} */ name) => {
      const bytes = disk.readFat(partition, name);
      if (bytes === null || bytes.length === 0) {
        throw new BootFailure('BOOT_FILE', 'A file that config.txt names is not there', {
          place: `${name} of partition ${partition}`,
        });
      }
      const file = path.join(folder, path.basename(name));
      writeFileSync(file, bytes);
      return { file, bytes };
    };
    // `initramfs NAME followkernel` is a line of its own kind.
    const initramfs = config.get('initramfs')?.split(/\s+/)[0] ?? null;
    return {
      partition,
      isOneShot,
      kernel: take(config.get('kernel') ?? 'kernel_2712.img').file,
      initramfs: initramfs === null ? null : take(initramfs).file,
      commandLine: take(config.get('cmdline') ?? 'cmdline.txt')
        .bytes.toString('latin1')
        .split('\n')[0]
        .trim(),
    };
  }
}

/** @param {string} filter @param {number} partition @param {boolean} isOneShot */
function applies(filter, partition, isOneShot) {
  if (filter === 'tryboot') return isOneShot;
  return filter === `boot_partition=${partition}` || MODELS.includes(filter);
}

/**
 * Settings of one start. Filters of different kinds narrow each other until `[all]`; those of one kind replace each other.
 * @param {string} text
 * @param {(filter: string) => boolean} isTrue
 * @returns {Map<string, string>}
 */
export function settingsIn(text, isTrue) {
  /** @type {Map<string, string>} */
  const found = new Map();
  /** @type {Map<string, boolean>} */
  const filters = new Map();
  for (const line of text.split(/\r?\n/).map((each) => each.replace(/#.*/, '').trim())) {
    const filter = /^\[(.+)\]$/.exec(line)?.[1].trim().toLowerCase();
    if (filter === 'all') filters.clear();
    else if (filter !== undefined) filters.set(filter.split('=')[0], isTrue(filter));
    else if ([...filters.values()].every(Boolean)) {
      const [, name, value] = /^(\w+)(?:\s*=\s*|\s+)(.+)$/.exec(line) ?? [];
      if (name !== undefined) found.set(name, value);
    }
  }
  return found;
}
