/**
 * The bundle on disk, format 1. One file, so that a USB stick carries it whole and a rename installs it:
 *
 *   8 bytes   magic "SPIKESCO"
 *   4 bytes   format version, little endian
 *   4 bytes   length of the document in bytes, little endian
 *   …         the document, JSON in UTF-8; arrays are references into the data that follows
 *   …         the data
 *   32 bytes  SHA-256 of everything before
 */
import { createHash } from 'node:crypto';
import { RefusedError } from '../../errors.ts';

const MAGIC = Buffer.from('SPIKESCO', 'ascii');
export const FORMAT_VERSION = 1;
const HEADER_BYTES = 16;
const DIGEST_BYTES = 32;
/** Far above any model for these processors; a guard against feeding the reader something else. */
export const MAXIMUM_BUNDLE_BYTES = 256 * 2 ** 20;

export interface Container {
  /** Parsed JSON, not yet checked against any schema. */
  readonly document: unknown;
  readonly data: Uint8Array;
  readonly digest: string;
}

export function packContainer(document: unknown, data: Uint8Array): Uint8Array {
  const text = Buffer.from(JSON.stringify(document), 'utf8');
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(FORMAT_VERSION, 8);
  header.writeUInt32LE(text.length, 12);
  const body = Buffer.concat([header, text, data]);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

/** @throws RefusedError `BUNDLE_NOT_A_BUNDLE`, `BUNDLE_FORMAT`, `BUNDLE_TRUNCATED`, `BUNDLE_DIGEST`, `BUNDLE_DOCUMENT` */
export function unpackContainer(bytes: Uint8Array, file: string): Container {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  refuseUnlessReadable(buffer, file);
  const body = buffer.subarray(0, buffer.length - DIGEST_BYTES);
  const stated = buffer.subarray(body.length).toString('hex');
  const computed = createHash('sha256').update(body).digest('hex');
  if (stated !== computed) {
    throw new RefusedError('BUNDLE_DIGEST', 'The bundle was altered or damaged after it was written', {
      file,
      expected: `SHA-256 ${stated.slice(0, 16)}…`,
      received: `${computed.slice(0, 16)}…`,
      remedy: 'copy the bundle again from where it came from',
    });
  }
  const end = HEADER_BYTES + buffer.readUInt32LE(12);
  if (end > body.length) {
    throw new RefusedError('BUNDLE_TRUNCATED', 'The bundle ends within its document', { file });
  }
  // A plain Uint8Array: Buffer's own `slice` would alias instead of copying.
  const data = new Uint8Array(body.buffer, body.byteOffset + end, body.length - end);
  return { document: parseJson(body.subarray(HEADER_BYTES, end), file), data, digest: computed };
}

function refuseUnlessReadable(buffer: Buffer, file: string): void {
  if (buffer.length < MAGIC.length || !buffer.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new RefusedError('BUNDLE_NOT_A_BUNDLE', 'This file is not a spikescope model bundle', {
      file,
      remedy: 'make one from a float model with `spikescope convert`',
    });
  }
  if (buffer.length < HEADER_BYTES + DIGEST_BYTES) {
    throw new RefusedError('BUNDLE_TRUNCATED', 'The bundle is cut short', {
      file,
      expected: `at least ${HEADER_BYTES + DIGEST_BYTES} bytes`,
      received: `${buffer.length} bytes`,
      remedy: 'copy the bundle again from where it came from',
    });
  }
  const version = buffer.readUInt32LE(8);
  if (version !== FORMAT_VERSION) {
    throw new RefusedError(
      'BUNDLE_FORMAT',
      'This version of spikescope does not know the format of the bundle',
      {
        file,
        expected: `format ${FORMAT_VERSION}`,
        received: `format ${version}`,
        remedy: 'update spikescope, or convert the model again with this version',
      },
    );
  }
}

function parseJson(text: Buffer, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (cause) {
    throw new RefusedError('BUNDLE_DOCUMENT', 'The document inside the bundle is not JSON', { file, cause });
  }
}
