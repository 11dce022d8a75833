/** The image: where its bytes come from, how many there will be, and whether they are a disk at all. */
import { spawn } from 'node:child_process';
import { closeSync, createReadStream, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { z } from 'zod';
import { FlashRefusal, reasonOf } from './refusal.mjs';

const SECTOR = 512;
const ZSTD_MAGIC = 0xfd2fb528;

/**
 * @typedef {object} Image
 * @property {string} path
 * @property {boolean} isCompressed
 * @property {number | null} size bytes of the disk; null where a compressed one does not say
 * @property {string | null} sha256 of the disk, as its manifest says; null without one
 */

const manifestSchema = z.looseObject({
  image: z.looseObject({ size: z.int().positive(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }).optional(),
});

/**
 * @param {string} file raw, or compressed by zstd
 * @returns {Image}
 * @throws {FlashRefusal} `FLASH_IMAGE_…`
 */
export function openImage(file) {
  const head = headOf(file);
  const isCompressed = head.length >= 4 && head.readUInt32LE(0) === ZSTD_MAGIC;
  if (!isCompressed && !isDisk(head)) {
    throw new FlashRefusal('FLASH_IMAGE_FOREIGN', 'This is no image of a disk', {
      place: file,
      expected: 'what npm run image wrote, raw or with the ending .zst',
      remedy: 'npm run image -- --board pi5 --out FILE',
    });
  }
  const told = manifestOf(file.replace(/\.zst$/, ''));
  const size = isCompressed ? (told?.size ?? contentSize(head)) : statSync(file).size;
  if (told !== null && size !== told.size) {
    throw new FlashRefusal('FLASH_IMAGE_CUT', 'The image is not as long as its manifest says', {
      place: file,
      expected: `${told.size} bytes`,
      received: `${size} bytes`,
      remedy: 'copy or build it again',
    });
  }
  return { path: file, isCompressed, size, sha256: told?.sha256 ?? null };
}

/** @param {string} file */
function headOf(file) {
  const head = Buffer.alloc(2 * SECTOR);
  try {
    if (!statSync(file).isFile()) throw new Error('no file');
    const descriptor = openSync(file, 'r');
    try {
      return head.subarray(0, readSync(descriptor, head, 0, head.length, 0));
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    throw new FlashRefusal('FLASH_IMAGE_MISSING', 'The image cannot be read', {
      place: file,
      received: reasonOf(cause),
      remedy: 'build it with npm run image -- --board pi5 --out FILE, or name it with --image',
      cause,
    });
  }
}

/** A table of partitions: the old kind's mark in the first sector, the new kind's in the second. @param {Buffer} head */
function isDisk(head) {
  return (
    head.length === 2 * SECTOR &&
    head.readUInt16LE(510) === 0xaa55 &&
    head.toString('latin1', 512, 520) === 'EFI PART'
  );
}

/** @param {string} file that exists @returns {boolean} */
export function looksLikeImage(file) {
  return isDisk(headOf(file));
}

/** @param {string} image @returns {{ size: number, sha256: string } | null} */
function manifestOf(image) {
  const file = `${image}.manifest.json`;
  if (!existsSync(file)) return null;
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).image ?? null;
  } catch (cause) {
    throw new FlashRefusal('FLASH_IMAGE_MANIFEST', 'The manifest beside the image cannot be read', {
      place: file,
      received: cause instanceof z.ZodError ? 'a document of another form' : reasonOf(cause),
      remedy: 'copy image and manifest again, both',
      cause,
    });
  }
}

/**
 * The size that a zstd frame says its content has (RFC 8878, 3.1.1.1); null where it does not.
 * @param {Buffer} head
 */
function contentSize(head) {
  const descriptor = head[4];
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const bytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6];
  if (bytes === 0) return null;
  const at = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3];
  if (bytes === 8) return Number(head.readBigUInt64LE(at));
  return head.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
}

/**
 * The bytes of the disk, in pieces of any size.
 * @param {Image} image
 * @returns {AsyncGenerator<Buffer>}
 * @throws {FlashRefusal} `FLASH_ZSTD`
 */
export async function* bytesOf(image) {
  if (!image.isCompressed) {
    yield* createReadStream(image.path, { highWaterMark: 2 ** 20 });
    return;
  }
  const unpacking = spawn('zstd', ['--decompress', '--stdout', '--quiet', '--', image.path], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  unpacking.stderr.on('data', (piece) => {
    said += piece;
  });
  /** @type {Promise<string | null>} */
  const ended = new Promise((resolve) => {
    unpacking.on('error', (error) => resolve(reasonOf(error)));
    unpacking.on('close', (status) => resolve(status === 0 ? null : said.trim() || `exit status ${status}`));
  });
  let isWhole = false;
  try {
    yield* unpacking.stdout;
    isWhole = true;
  } finally {
    // One that has written everything ends by itself, and says how; one whose reader has gone would wait for ever.
    if (!isWhole) unpacking.kill();
  }
  const fault = await ended;
  if (fault === null) return;
  throw new FlashRefusal('FLASH_ZSTD', 'The image cannot be unpacked', {
    place: image.path,
    received: fault,
    remedy: 'sudo apt-get install zstd, or copy the image again',
  });
}
