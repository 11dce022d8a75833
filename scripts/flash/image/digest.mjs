/** Digests, and what is derived from them so that the same inputs give the same bytes. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK = 4 * 1024 * 1024;

/** @param {string} file @returns {string} SHA-256 in hexadecimal */
export function sha256Of(file) {
  const hash = createHash('sha256');
  const handle = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(CHUNK);
    for (let count = 1; count > 0; ) {
      count = readSync(handle, buffer, 0, CHUNK, null);
      hash.update(buffer.subarray(0, count));
    }
  } finally {
    closeSync(handle);
  }
  return hash.digest('hex');
}

/** @param {unknown} value that JSON can write @returns {string} SHA-256 in hexadecimal */
export function digestOf(value) {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/**
 * A UUID for a part of an image, in the form of a random one.
 * @param {string} seed digest of what the image is made from
 * @param {string} part
 */
export function uuidOf(seed, part) {
  const hex = digestOf([seed, part]);
  const variant = ((Number.parseInt(hex[16], 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
