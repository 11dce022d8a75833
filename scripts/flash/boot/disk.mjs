/** An image of a disk as its partitions: read, and in FAT written, where they lie in the file; nothing is mounted. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync, statSync, truncateSync, writeSync } from 'node:fs';
import { BootFailure } from './failure.mjs';

/**
 * @typedef {{ readonly number: number, readonly name: string, readonly offset: number, readonly size: number }}
 * Partition bytes
 */

const SECTOR = 512;
const PIECE = 4 * 2 ** 20;
/** Of a GPT: the protecting table, the header, and 128 entries. */
const TABLE_BYTES = 34 * SECTOR;

/** Some of them lie where only the administrator's PATH leads. */
export const environment = {
  ...process.env,
  PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
  MTOOLS_SKIP_CHECK: '1',
  LC_ALL: 'C',
};

/** @param {string} program @param {readonly string[]} args */
export function run(program, args) {
  return execFileSync(program, args, {
    env: environment,
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export class Disk {
  /** @type {{ table: Buffer, partitions: readonly Partition[] } | null} */
  #read = null;

  /** @param {string} file */
  constructor(file) {
    this.file = file;
  }

  /** As the table has them now: the first start lets the last one grow. @returns {readonly Partition[]} */
  get partitions() {
    const table = bytesOf(this.file, TABLE_BYTES);
    if (this.#read === null || !this.#read.table.equals(table))
      this.#read = { table, partitions: partitionsOf(this.file) };
    return this.#read.partitions;
  }

  /**
   * A copy that may be started and spoilt; what is empty takes no room.
   * @param {string} image @param {string} file @param {number} bytes of the copy, at least as many as the image has
   */
  static copy(image, file, bytes) {
    run('cp', ['--sparse=always', '--reflink=auto', image, file]);
    if (bytes > statSync(file).size) truncateSync(file, bytes);
    return new Disk(file);
  }

  /** @param {string | number} which its name, or its number as the firmware counts @returns {Partition} */
  partition(which) {
    const { partitions } = this;
    const found = partitions.find(({ number, name }) => number === which || name === which);
    if (found !== undefined) return found;
    const names = partitions.map(({ number, name }) => `${number} ${name}`).join(', ');
    throw new BootFailure('BOOT_PARTITION', 'The image has no such partition', {
      place: this.file,
      expected: `${which}`,
      received: names,
    });
  }

  /** A file of a FAT partition; null where there is none. @param {string | number} which @param {string} name */
  readFat(which, name) {
    try {
      return run('mtype', ['-i', `${this.file}@@${this.partition(which).offset}`, `::${name}`]);
    } catch (error) {
      if (error instanceof BootFailure) throw error;
      return null;
    }
  }

  /** @param {string | number} which @param {string} name @param {string} from */
  writeFat(which, name, from) {
    run('mcopy', ['-o', '-i', `${this.file}@@${this.partition(which).offset}`, from, `::${name}`]);
  }

  /** A partition as a file of its own. @param {string | number} which @param {string} to */
  extract(which, to) {
    const { offset, size } = this.partition(which);
    copyRange(this.file, offset, to, size);
  }

  /** @param {string | number} which @param {number} at byte of the partition @param {number} [mask] bits that change */
  flip(which, at, mask = 1) {
    const handle = openSync(this.file, 'r+');
    try {
      const byte = Buffer.alloc(1);
      const place = this.partition(which).offset + at;
      readSync(handle, byte, 0, 1, place);
      byte[0] ^= mask;
      writeSync(handle, byte, 0, 1, place);
    } finally {
      closeSync(handle);
    }
  }

  /** What e2fsck says of the partition `data` without changing it. @param {string} scratch a file that may be written */
  checkData(scratch) {
    this.extract('data', scratch);
    // The journal is replayed in the copy, as the kernel would at the next mount; what is wrong then is wrong.
    const replayed = exitOf('e2fsck', ['-p', scratch]);
    const checked = exitOf('e2fsck', ['-f', '-n', scratch]);
    return {
      isClean: checked.code === 0 && replayed.code <= 1,
      said: `${replayed.text}\n${checked.text}`.trim(),
    };
  }
}

/** @param {string} program @param {readonly string[]} args @returns {{ code: number, text: string }} */
function exitOf(program, args) {
  try {
    return { code: 0, text: run(program, args).toString() };
  } catch (error) {
    const {
      status = null,
      stdout = '',
      stderr = '',
    } = /** @type {{ status?: number, stdout?: Buffer, stderr?: Buffer }} */ (error);
    if (status === null) throw error;
    return { code: status, text: `${stdout}${stderr}` };
  }
}

/** @param {string} file @returns {Partition[]} */
function partitionsOf(file) {
  const { partitiontable } = JSON.parse(run('sfdisk', ['--json', file]).toString());
  return partitiontable.partitions.map(
    (/** @type {{ start: number, size: number, name?: string }} */ each, /** @type {number} */ i) => ({
      number: i + 1,
      name: each.name ?? '',
      offset: each.start * SECTOR,
      size: each.size * SECTOR,
    }),
  );
}

/** @param {string} file @param {number} length */
function bytesOf(file, length) {
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(length);
    readSync(handle, bytes, 0, length, 0);
    return bytes;
  } finally {
    closeSync(handle);
  }
}

/** @param {string} from @param {number} offset @param {string} to @param {number} size */
function copyRange(from, offset, to, size) {
  const [source, target] = [openSync(from, 'r'), openSync(to, 'w')];
  try {
    const [piece, zeros] = [Buffer.alloc(PIECE), Buffer.alloc(PIECE)];
    for (let at = 0; at < size; at += PIECE) {
      const length = readSync(source, piece, 0, Math.min(PIECE, size - at), offset + at);
      // A card is mostly holes.
      if (piece.compare(zeros, 0, length, 0, length) !== 0) writeSync(target, piece, 0, length, at);
    }
    truncateSync(to, size);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}
