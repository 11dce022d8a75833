/** What lies on the boot partition of a slot, and how the kernel is told which slot it is. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { treesOf } from './kernel.mjs';
import { FILES } from './root.mjs';

export const SLOTS = /** @type {const} */ (['a', 'b']);
const BLOCK = 4096;

/**
 * The command line of the kernel.
 * @param {{ slot: 'a' | 'b', console: string, common: string, verity: import('./partitions.mjs').Verity }} parts
 */
export function commandLine({ slot, console, common, verity: { rootHash, salt, hashOffset } }) {
  const own = [
    `root=PARTLABEL=root-${slot}`,
    `spikescope.slot=${slot}`,
    `spikescope.verity=${rootHash}:${salt}:${hashOffset / BLOCK}`,
  ];
  return `${[console, ...own, common.trim()].join(' ')}\n`;
}

/**
 * @param {object} from
 * @param {string} from.folder an empty one, which becomes the partition
 * @param {import('./kernel.mjs').Kernel} from.kernel
 * @param {string} from.initramfs
 * @param {import('./boards.mjs').Board} from.board
 * @param {import('./partitions.mjs').Verity} from.verity
 */
export function fillBoot({ folder, kernel, initramfs, board, verity }) {
  copyFileSync(kernel.image, path.join(folder, 'kernel8.img'));
  copyFileSync(initramfs, path.join(folder, 'initramfs8'));
  copyFileSync(path.join(FILES, 'boot/config.txt'), path.join(folder, 'config.txt'));
  const common = readFileSync(path.join(FILES, 'boot/cmdline.txt'), 'utf8');
  for (const slot of SLOTS) {
    const text = commandLine({ slot, console: board.console, common, verity });
    writeFileSync(path.join(folder, `cmdline-${slot}.txt`), text);
  }
  for (const name of treesOf(kernel)) {
    copyFileSync(path.join(kernel.trees, name), path.join(folder, name));
    // The firmware and the kernel spell the second stepping of the processor differently.
    const other = name.replace('bcm2712-d-', 'bcm2712d0-');
    if (other !== name) copyFileSync(path.join(kernel.trees, name), path.join(folder, other));
  }
  if (kernel.overlays !== null && existsSync(kernel.overlays)) {
    mkdirSync(path.join(folder, 'overlays'));
    for (const name of readdirSync(kernel.overlays).filter((each) => /\.(dtbo|dtb)$/.test(each)))
      copyFileSync(path.join(kernel.overlays, name), path.join(folder, 'overlays', name));
  }
}

/** Which slot the firmware starts, and which on trial; the other way round once slot b is good. */
export const AUTOBOOT = '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n';
