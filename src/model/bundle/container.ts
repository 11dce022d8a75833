/**
 * Bundles and checkpoints on disk. One file, so that a USB stick carries it whole and a rename installs it:
 *
 *   8 bytes   magic, "SPIKESCO" of a bundle
 *   4 bytes   format version, little endian
 *   4 bytes   length of the document in bytes, little endian
 *   …         the document, JSON in UTF-8; arrays are references into the data that follows
 *   …         the data
 *   32 bytes  SHA-256 of everything before
 */
import { createHash } from 'node:crypto';
import { RefusedError } from '../../errors.ts';
import { excessOf, MAXIMUM_DOCUMENT_BYTES } from './json.ts';

/** What a container holds, and how faults of it are named. */
export interface ContainerKind {
  /** Eight ASCII characters. */
  readonly magic: string;
  /** The newest that this program reads and writes. */
  readonly formatVersion: number;
  /** The oldest that it still reads, and writes for contents that need no newer one. Default: the newest. */
  readonly oldestFormat?: number;
  /** First word of the fault codes. */
  readonly code: string;
  /** What people call the file. */
  readonly noun: string;
  readonly remedies: { readonly notOne: string; readonly damaged: string; readonly unknownFormat: string };
}

/** Of bundles with none of the sections that came later. */
export const FIRST_FORMAT = 1;
/** Of bundles with a class table. */
export const CLASS_TABLE_FORMAT = 2;
/** Of bundles that triage, or tell what is no lesion. */
export const TRIAGE_FORMAT = 3;
/** Of bundles with programs of cards, or that know the light of their training. */
export const CARD_FORMAT = 4;
/** Of bundles whose graphs choose rows, columns or channels, or compare tensors. */
export const CHOICE_FORMAT = 5;
/** The newest. */
export const FORMAT_VERSION = CHOICE_FORMAT;
const BUNDLE: ContainerKind = {
  magic: 'SPIKESCO',
  formatVersion: FORMAT_VERSION,
  oldestFormat: FIRST_FORMAT,
  code: 'BUNDLE',
  noun: 'bundle',
  remedies: {
    notOne: 'make one from a float model with `spikescope convert`',
    damaged: 'copy the bundle again from where it came from',
    unknownFormat: 'update spikescope, or convert the model again with this version',
  },
};
const MAGIC_BYTES = 8;
const HEADER_BYTES = 16;
const DIGEST_BYTES = 32;
/** Far above any model for these processors; a guard against feeding the reader something else. */
export const MAXIMUM_BUNDLE_BYTES = 256 * 2 ** 20;

export interface Container {
  readonly formatVersion: number;
  /** Parsed JSON, not yet checked against any schema. */
  readonly document: unknown;
  readonly data: Uint8Array;
  readonly digest: string;
}

export function packContainer(
  document: unknown,
  data: Uint8Array,
  kind = BUNDLE,
  formatVersion = kind.formatVersion,
): Uint8Array {
  const text = Buffer.from(JSON.stringify(document), 'utf8');
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(kind.magic, 'ascii');
  header.writeUInt32LE(formatVersion, MAGIC_BYTES);
  header.writeUInt32LE(text.length, 12);
  const body = Buffer.concat([header, text, data]);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

/**
 * @throws RefusedError `BUNDLE_NOT_A_BUNDLE`, `BUNDLE_FORMAT`, `BUNDLE_TRUNCATED`, `BUNDLE_DIGEST`, `BUNDLE_DOCUMENT`, or
 * the same with the code of another kind
 */
export function unpackContainer(bytes: Uint8Array, file: string, kind = BUNDLE): Container {
  const { code, noun, remedies } = kind;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  refuseUnlessReadable(buffer, file, kind);
  const body = buffer.subarray(0, buffer.length - DIGEST_BYTES);
  const stated = buffer.subarray(body.length).toString('hex');
  const computed = createHash('sha256').update(body).digest('hex');
  if (stated !== computed) {
    throw new RefusedError(`${code}_DIGEST`, `The ${noun} was altered or damaged after it was written`, {
      file,
      expected: `SHA-256 ${stated.slice(0, 16)}…`,
      received: `${computed.slice(0, 16)}…`,
      remedy: remedies.damaged,
    });
  }
  const end = HEADER_BYTES + buffer.readUInt32LE(12);
  if (end > body.length) {
    throw new RefusedError(`${code}_TRUNCATED`, `The ${noun} ends within its document`, { file });
  }
  // A plain Uint8Array: Buffer's own `slice` would alias instead of copying.
  const data = new Uint8Array(body.buffer, body.byteOffset + end, body.length - end);
  const document = parseJson(body.subarray(HEADER_BYTES, end), file, kind);
  return { formatVersion: buffer.readUInt32LE(MAGIC_BYTES), document, data, digest: computed };
}

function refuseUnlessReadable(
  buffer: Buffer,
  file: string,
  { magic, formatVersion, oldestFormat = formatVersion, code, noun, remedies }: ContainerKind,
): void {
  if (buffer.subarray(0, MAGIC_BYTES).toString('latin1') !== magic) {
    throw new RefusedError(`${code}_NOT_A_${code}`, `This file is not a spikescope model ${noun}`, {
      file,
      remedy: remedies.notOne,
    });
  }
  if (buffer.length < HEADER_BYTES + DIGEST_BYTES) {
    throw new RefusedError(`${code}_TRUNCATED`, `The ${noun} is cut short`, {
      file,
      expected: `at least ${HEADER_BYTES + DIGEST_BYTES} bytes`,
      received: `${buffer.length} bytes`,
      remedy: remedies.damaged,
    });
  }
  const version = buffer.readUInt32LE(MAGIC_BYTES);
  if (version < oldestFormat || version > formatVersion) {
    throw new RefusedError(
      `${code}_FORMAT`,
      `This version of spikescope does not know the format of the ${noun}`,
      {
        file,
        expected:
          oldestFormat === formatVersion
            ? `format ${formatVersion}`
            : `format ${oldestFormat} to ${formatVersion}`,
        received: `format ${version}`,
        remedy: remedies.unknownFormat,
      },
    );
  }
}

function parseJson(text: Buffer, file: string, kind: ContainerKind): unknown {
  if (text.length > MAXIMUM_DOCUMENT_BYTES) throw immodest(`${text.length} bytes`, file, kind);
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (cause) {
    throw new RefusedError(`${kind.code}_DOCUMENT`, `The document inside the ${kind.noun} is not JSON`, {
      file,
      cause,
    });
  }
  const excess = excessOf(document);
  if (excess !== null) throw immodest(excess, file, kind);
  return document;
}

function immodest(received: string, file: string, { code, noun, remedies }: ContainerKind): RefusedError {
  return new RefusedError(`${code}_DOCUMENT`, `The document inside the ${noun} is too large`, {
    file,
    expected: `at most ${MAXIMUM_DOCUMENT_BYTES} bytes of JSON`,
    received,
    remedy: remedies.notOne,
  });
}
