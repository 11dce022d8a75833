/** Makes the contents of partitions as files: FAT by mtools, the verified root, ext4, and puts them together to a disk. */
import {
  closeSync,
  constants,
  copyFileSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { uuidOf } from './digest.mjs';
import { ImageFailure } from './failure.mjs';
import { tool } from './tools.mjs';

export const MEBIBYTE = 1024 * 1024;
const SECTOR = 512;
const BLOCK = 4096;

/** Types of partitions, as the firmware and systemd know them. */
const TYPE = {
  fat: 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7',
  linux: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
  var: '4D21B016-B534-45C2-A9FB-5C16E091FD2D',
};

/** Sizes are fixed: a slot of a device that is in the field must take the systems of years to come. */
export const LAYOUT = /** @type {const} */ ([
  { number: 1, name: 'config', type: TYPE.fat, size: 64 * MEBIBYTE },
  { number: 2, name: 'boot-a', type: TYPE.fat, size: 128 * MEBIBYTE },
  { number: 3, name: 'boot-b', type: TYPE.fat, size: 128 * MEBIBYTE },
  { number: 4, name: 'root-a', type: TYPE.linux, size: 512 * MEBIBYTE },
  { number: 5, name: 'root-b', type: TYPE.linux, size: 512 * MEBIBYTE },
  { number: 6, name: 'data', type: TYPE.var, size: 256 * MEBIBYTE },
]);

/** @param {string} name */
export function sizeOf(name) {
  return LAYOUT.find((each) => each.name === name)?.size ?? 0;
}

/**
 * A FAT32 with the files of a folder, all of one time.
 * @param {{ out: string, size: number, label: string, seed: string, epoch: number, folder: string }} wish
 */
export function makeFat({ out, size, label, seed, epoch, folder }) {
  closeSync(openSync(out, 'w'));
  truncateSync(out, size);
  const env = { SOURCE_DATE_EPOCH: String(epoch), MTOOLS_SKIP_CHECK: '1' };
  const serial = uuidOf(seed, label).slice(0, 8);
  const sectors = ['-T', String(size / SECTOR), '-h', '64', '-s', '32', '-c', '1'];
  tool('mformat', ['-F', '-i', out, ...sectors, '-v', label, '-N', serial, '::'], { env });
  const entries = readdirSync(folder)
    .sort()
    .map((name) => path.join(folder, name));
  if (entries.length > 0)
    tool('mcopy', ['-s', '-p', '-m', '-i', out, ...entries, '::'], { env, code: 'BUILD_BOOT_SIZE' });
}

/**
 * @typedef {object} Verity
 * @property {string} rootHash hexadecimal
 * @property {string} salt hexadecimal
 * @property {number} hashOffset in bytes: where the tree of hashes begins, and how long the data is
 */

/**
 * Appends the tree of hashes to a file system.
 * @param {string} file
 * @param {string} seed
 * @returns {Verity}
 */
export function appendHashes(file, seed) {
  const hashOffset = Math.ceil(statSync(file).size / BLOCK) * BLOCK;
  truncateSync(file, hashOffset);
  const salt = `${uuidOf(seed, 'salt')}${uuidOf(seed, 'more salt')}`.replaceAll('-', '');
  const said = tool('veritysetup', [
    ...['format', '--hash=sha256', `--salt=${salt}`, `--uuid=${uuidOf(seed, 'verity')}`],
    ...[`--data-blocks=${hashOffset / BLOCK}`, `--hash-offset=${hashOffset}`, file, file],
  ]);
  const rootHash = /^Root hash:\s+([0-9a-f]{64})$/m.exec(said)?.[1];
  if (rootHash === undefined) throw new RangeError('veritysetup names no root hash');
  return { rootHash, salt, hashOffset };
}

/**
 * @param {{ disk: string, seed: string, contents: Readonly<Record<string, string>> }} wish files by the names of partitions
 * @returns {{ number: number, name: string, offset: number, size: number, uuid: string, type: string }[]}
 */
export function makeDisk({ disk, seed, contents }) {
  let offset = MEBIBYTE;
  const partitions = LAYOUT.map((each) => {
    const placed = { ...each, offset, uuid: uuidOf(seed, `partition ${each.name}`) };
    offset += each.size;
    return placed;
  });
  closeSync(openSync(disk, 'w'));
  truncateSync(disk, offset + MEBIBYTE);
  const lines = partitions.map(
    ({ offset: start, size, type, uuid, name }) =>
      `start=${start / SECTOR}, size=${size / SECTOR}, type=${type}, uuid=${uuid}, name="${name}"\n`,
  );
  const head = `label: gpt\nlabel-id: ${uuidOf(seed, 'disk')}\nunit: sectors\nfirst-lba: 2048\n\n`;
  tool('sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', disk], { input: `${head}${lines.join('')}` });
  for (const { name, offset: start, size } of partitions) {
    const from = contents[name];
    if (from !== undefined) copyInto(disk, from, { start, size, name });
  }
  return partitions;
}

/**
 * @param {string} disk
 * @param {string} from
 * @param {{ start: number, size: number, name: string }} where
 */
function copyInto(disk, from, { start, size, name }) {
  requireRoom(from, size, name);
  const [reader, writer] = [openSync(from, 'r'), openSync(disk, 'r+')];
  try {
    const buffer = Buffer.alloc(MEBIBYTE);
    for (let at = 0, count = 1; count > 0; at += count) {
      count = readSync(reader, buffer, 0, MEBIBYTE, null);
      // What is empty stays a hole of the file.
      if (!isEmpty(buffer.subarray(0, count))) writeSync(writer, buffer, 0, count, start + at);
    }
  } finally {
    closeSync(reader);
    closeSync(writer);
  }
}

/** @param {Buffer} bytes */
function isEmpty(bytes) {
  return bytes.length === 0 || (bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1)));
}

/** @param {string} file @param {number} size @param {string} name @throws {ImageFailure} `BUILD_SLOT_SIZE` */
export function requireRoom(file, size, name) {
  const received = statSync(file).size;
  if (received <= size) return;
  throw new ImageFailure('BUILD_SLOT_SIZE', 'The system does not fit into its slot', {
    place: name,
    expected: `at most ${size} bytes`,
    received: `${received} bytes`,
    remedy: 'leave packages out; the sizes of slots are fixed for devices in the field',
  });
}

/** A copy that shares blocks where the file system can. @param {string} from @param {string} to */
export function copyFile(from, to) {
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
}
