/** Disks of this workstation, as lsblk tells them. */
import { spawnSync } from 'node:child_process';
import { z } from 'zod';
import { visible } from '../failure.mjs';
import { FlashRefusal, reasonOf, sizeWords } from './refusal.mjs';

const COLUMNS = [
  ...['NAME', 'PATH', 'TYPE', 'SIZE', 'RO', 'RM', 'HOTPLUG', 'TRAN', 'VENDOR', 'MODEL'],
  ...['FSTYPE', 'LABEL', 'PARTLABEL', 'MOUNTPOINTS'],
];

const text = z
  .string()
  .nullish()
  .transform((value) => (value ?? '').trim());

const blockSchema = z.object({
  name: z.string(),
  path: z.string(),
  type: z.string(),
  size: z.int().min(0),
  ro: z.boolean(),
  rm: z.boolean(),
  hotplug: z.boolean(),
  tran: text,
  vendor: text,
  model: text,
  fstype: text,
  label: text,
  partlabel: text,
  mountpoints: z.array(z.string().nullable()).transform((all) => all.filter((each) => each !== null)),
  get children() {
    return z.array(blockSchema).optional();
  },
});
const answerSchema = z.object({ blockdevices: z.array(blockSchema) });

/**
 * A disk, or what is on one: a partition, a volume. Sizes in bytes.
 * @typedef {z.infer<typeof blockSchema>} Block
 */

/** Mount points without which this machine does not go on. */
const OF_THE_SYSTEM = new Set(['/', '/boot', '/boot/efi', '/usr', '/var', '/home', '[SWAP]']);

/**
 * Every disk with what is on it.
 * @returns {Block[]}
 * @throws {FlashRefusal} `FLASH_LSBLK`
 */
export function readDisks() {
  const { status, stdout, stderr, error } = spawnSync(
    'lsblk',
    ['--json', '--bytes', '--output', COLUMNS.join(',')],
    { encoding: 'utf8' },
  );
  try {
    if (error) throw error;
    if (status !== 0) throw new Error(stderr.trim());
    return answerSchema.parse(JSON.parse(stdout)).blockdevices;
  } catch (cause) {
    throw new FlashRefusal('FLASH_LSBLK', 'The disks of this machine cannot be listed', {
      expected: 'lsblk of util-linux 2.37 or newer',
      received: cause instanceof z.ZodError ? 'an answer of another form' : reasonOf(cause),
      remedy: 'sudo apt-get install util-linux',
      cause,
    });
  }
}

/** @param {Block} block @returns {Block[]} itself and all that lies on it */
export function withChildren(block) {
  return [block, ...(block.children ?? []).flatMap(withChildren)];
}

/** @param {Block} disk where something of it is mounted */
export function mountsOf(disk) {
  return withChildren(disk).flatMap(({ path, mountpoints }) => mountpoints.map((place) => ({ path, place })));
}

/** @param {Block} disk */
export function isOfTheSystem(disk) {
  return mountsOf(disk).some(({ place }) => OF_THE_SYSTEM.has(place));
}

/** Cards and sticks: what can be taken out, or is on a bus from which it can. @param {Block} disk */
export function isRemovable(disk) {
  return disk.type === 'disk' && (disk.rm || disk.hotplug || disk.tran === 'usb') && disk.size > 0;
}

/**
 * One line on a disk.
 * @param {Block} disk
 */
export function diskWords(disk) {
  const name = [disk.vendor, disk.model].filter(Boolean).join(' ') || 'without a name';
  return visible(`${disk.path}  ${sizeWords(disk.size)}  ${disk.tran || disk.type}  ${name}`);
}

/**
 * What will be lost, one line for each thing on a disk.
 * @param {Block} disk
 */
export function contentWords(disk) {
  const inside = withChildren(disk).slice(1);
  if (inside.length === 0) {
    return [disk.fstype === '' ? 'no partitions' : visible(`a file system ${disk.fstype} ${disk.label}`)];
  }
  return inside.map(({ path, size, fstype, label, partlabel }) =>
    visible([path, sizeWords(size), fstype || 'unknown', label || partlabel].filter(Boolean).join('  ')),
  );
}
