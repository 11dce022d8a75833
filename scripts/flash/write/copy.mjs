/** Writing an image, and reading back what was written. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { bytesOf } from './image.mjs';
import { FlashRefusal, reasonOf, systemCodeOf } from './refusal.mjs';

const BLOCK = 4 * 2 ** 20;
/** Bytes from one flush to the next: the system holds no gigabytes back, and the progress is the card's. */
const FLUSHED = 64 * 2 ** 20;

/** @typedef {(bytes: number) => void} OnBytes takes how many bytes were done since the last call */

/**
 * Writes an image and flushes it. The first block, in which the table of partitions is, is zeros until all else is on the
 * medium: a card that was taken out too early boots nothing, and shows no file system.
 * @param {import('./image.mjs').Image} image
 * @param {import('./target.mjs').Target} target
 * @param {OnBytes} onBytes
 * @param {AbortSignal} signal
 * @returns {Promise<{ size: number, sha256: string }>} of what was written
 * @throws {FlashRefusal} `FLASH_TARGET_…`, `FLASH_WRITE`, `FLASH_STOPPED`, `FLASH_ZSTD`
 */
export async function writeImage(image, target, onBytes, signal) {
  const handle = await openTarget(target);
  try {
    return await writeBlocks(image, handle, onBytes, signal);
  } catch (error) {
    if (target.kind === 'file') await rm(target.path, { force: true });
    throw error instanceof FlashRefusal ? error : writeFault(target, error);
  } finally {
    await handle.close();
  }
}

/** @param {import('./target.mjs').Target} target */
async function openTarget({ kind, path }) {
  // Exclusive, which for a disk means: nothing of the system has it, such as a file system, swap or a volume.
  const flags = kind === 'disk' ? constants.O_RDWR | constants.O_EXCL : 'w+';
  try {
    return await open(path, flags);
  } catch (cause) {
    const isInUse = systemCodeOf(cause) === 'EBUSY';
    throw new FlashRefusal(
      isInUse ? 'FLASH_TARGET_IN_USE' : 'FLASH_TARGET_DENIED',
      isInUse ? 'Something of this system uses that disk' : 'The target cannot be opened',
      {
        place: path,
        received: reasonOf(cause),
        remedy: isInUse ? 'lsblk shows what; take it out of use first' : 'sudo npm run flash -- …',
        cause,
      },
    );
  }
}

/**
 * @param {import('./image.mjs').Image} image
 * @param {import('node:fs/promises').FileHandle} handle
 * @param {OnBytes} onBytes
 * @param {AbortSignal} signal
 */
async function writeBlocks(image, handle, onBytes, signal) {
  const hash = createHash('sha256');
  let size = 0;
  let flushed = 0;
  /** @type {Buffer | null} */
  let first = null;
  for await (const block of blocksOf(bytesOf(image))) {
    if (signal.aborted) throw stopped();
    hash.update(block);
    await writeWhole(handle, first === null ? Buffer.alloc(block.length) : block, size);
    first ??= block;
    size += block.length;
    if (size - flushed >= FLUSHED) {
      await handle.datasync();
      flushed = size;
    }
    onBytes(block.length);
  }
  if (first === null || (image.size !== null && size !== image.size)) {
    throw new FlashRefusal('FLASH_WRITE', 'The image ended too early', {
      place: image.path,
      expected: `${image.size ?? 'some'} bytes`,
      received: `${size} bytes`,
      remedy: 'copy or build it again',
    });
  }
  const sha256 = hash.digest('hex');
  refuseDamaged(image, sha256);
  await handle.sync();
  await writeWhole(handle, first, 0);
  await handle.sync();
  return { size, sha256 };
}

/** @param {import('./image.mjs').Image} image @param {string} sha256 */
function refuseDamaged(image, sha256) {
  if (image.sha256 === null || image.sha256 === sha256) return;
  throw new FlashRefusal('FLASH_IMAGE_DIGEST', 'The image is not the one that its manifest names', {
    place: image.path,
    expected: image.sha256,
    received: sha256,
    remedy: 'copy or build it again; what is on the target now does not start',
  });
}

/**
 * Whole blocks, the last one shorter.
 * @param {AsyncIterable<Buffer>} pieces
 */
async function* blocksOf(pieces) {
  let block = Buffer.alloc(BLOCK);
  let filled = 0;
  for await (const piece of pieces) {
    let taken = 0;
    while (taken < piece.length) {
      const copied = piece.copy(block, filled, taken);
      filled += copied;
      taken += copied;
      if (filled < BLOCK) continue;
      yield block;
      block = Buffer.alloc(BLOCK);
      filled = 0;
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

/** @param {import('node:fs/promises').FileHandle} handle @param {Buffer} block @param {number} position */
async function writeWhole(handle, block, position) {
  let written = 0;
  while (written < block.length) {
    const { bytesWritten } = await handle.write(block, written, block.length - written, position + written);
    written += bytesWritten;
  }
}

function stopped() {
  return new FlashRefusal('FLASH_STOPPED', 'Stopped before the end', {
    received: 'what is on the target now does not start',
    remedy: 'start again',
  });
}

/** @param {import('./target.mjs').Target} target @param {unknown} cause */
function writeFault(target, cause) {
  const isFull = systemCodeOf(cause) === 'ENOSPC';
  return new FlashRefusal('FLASH_WRITE', 'Writing failed', {
    place: target.path,
    received: reasonOf(cause),
    remedy: isFull
      ? 'take a larger card, or make room'
      : 'try another card or reader; this one may be worn out',
    cause,
  });
}

/**
 * Reads back what was written, and compares.
 * @param {import('./target.mjs').Target} target
 * @param {{ size: number, sha256: string }} written
 * @param {OnBytes} onBytes
 * @param {AbortSignal} signal
 * @returns {Promise<'medium' | 'memory'>} `memory` where the system could not be kept from answering from its own memory
 * @throws {FlashRefusal} `FLASH_VERIFY`, `FLASH_STOPPED`
 */
export async function verifyTarget(target, written, onBytes, signal) {
  const from = forgetCached(target) ? 'medium' : 'memory';
  const handle = await open(target.path, 'r');
  try {
    const hash = createHash('sha256');
    const block = Buffer.alloc(BLOCK);
    let at = 0;
    while (at < written.size) {
      if (signal.aborted) throw stopped();
      const { bytesRead } = await handle.read(block, 0, Math.min(BLOCK, written.size - at), at);
      if (bytesRead === 0) break;
      hash.update(block.subarray(0, bytesRead));
      at += bytesRead;
      onBytes(bytesRead);
    }
    const received = hash.digest('hex');
    if (received === written.sha256) return from;
    throw new FlashRefusal('FLASH_VERIFY', 'What was read back is not what was written', {
      place: target.path,
      expected: `SHA-256 ${written.sha256}`,
      received,
      remedy: 'use another card: this one, or its reader, is worn out or says that it is larger than it is',
    });
  } finally {
    await handle.close();
  }
}

/** Has the system forget what it holds of the target in memory. @param {import('./target.mjs').Target} target */
function forgetCached({ kind, path }) {
  const [program, args] =
    kind === 'disk'
      ? /** @type {const} */ (['blockdev', ['--flushbufs', path]])
      : /** @type {const} */ (['dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']]);
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
