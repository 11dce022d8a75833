/** Cuts and stitches in encoded images, for files that no encoder would write. */
import { crc32, deflateSync } from 'node:zlib';

/** A JPEG marker segment: FF, marker, length, content. */
export function jpegSegment(marker: number, content: Uint8Array): Buffer {
  const header = Buffer.from([0xff, marker, 0, 0]);
  header.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([header, content]);
}

/** Puts a segment right behind the start of image. */
export function withJpegSegment(jpeg: Buffer, marker: number, content: Uint8Array): Buffer {
  return Buffer.concat([jpeg.subarray(0, 2), jpegSegment(marker, content), jpeg.subarray(2)]);
}

/** Offset of the first segment with one of these markers. */
export function findJpegSegment(jpeg: Buffer, markers: readonly number[]): number {
  for (let at = 2; at < jpeg.length; at += 2 + jpeg.readUInt16BE(at + 2)) {
    if (markers.includes(jpeg[at + 1])) return at;
  }
  throw new RangeError('The JPEG has no such segment');
}

const START_OF_FRAME = [0xc0, 0xc1, 0xc2];
export const START_OF_SCAN = 0xda;
export const HUFFMAN_TABLE = 0xc4;

/** The same JPEG with other words in its frame header. */
export function withJpegFrame(
  jpeg: Buffer,
  change: { height?: number; width?: number; precision?: number; marker?: number },
): Buffer {
  const copy = Buffer.from(jpeg);
  const at = findJpegSegment(copy, START_OF_FRAME);
  if (change.marker !== undefined) copy[at + 1] = change.marker;
  if (change.precision !== undefined) copy[at + 4] = change.precision;
  if (change.height !== undefined) copy.writeUInt16BE(change.height, at + 5);
  if (change.width !== undefined) copy.writeUInt16BE(change.width, at + 7);
  return copy;
}

/** An EXIF segment's content with one entry, the orientation. */
export function exifOrientation(orientation: number): Buffer {
  const exif = Buffer.alloc(32);
  exif.write('Exif\0\0MM\0*', 0, 'latin1');
  exif.writeUInt32BE(8, 10);
  exif.writeUInt16BE(1, 14);
  exif.writeUInt16BE(0x0112, 16);
  exif.writeUInt16BE(3, 18);
  exif.writeUInt32BE(1, 20);
  exif.writeUInt16BE(orientation, 24);
  return exif;
}

export interface PngChunk {
  readonly type: string;
  readonly data: Buffer;
}

export const PNG_SIGNATURE = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

export function pngChunks(png: Buffer): PngChunk[] {
  const chunks: PngChunk[] = [];
  for (let at = PNG_SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    chunks.push({
      type: png.toString('latin1', at + 4, at + 8),
      data: png.subarray(at + 8, at + 8 + length),
    });
    at += 12 + length;
  }
  return chunks;
}

export function encodedChunk({ type, data }: PngChunk): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

export function pngOf(chunks: readonly PngChunk[]): Buffer {
  return Buffer.concat([PNG_SIGNATURE, ...chunks.map(encodedChunk)]);
}

/** The same PNG with a chunk right behind its header, with a right checksum. */
export function withPngChunk(png: Buffer, type: string, data: Buffer): Buffer {
  const [header, ...rest] = pngChunks(png);
  return pngOf([header, { type, data }, ...rest]);
}

/** The same PNG with another size in its header, with a right checksum. */
export function withPngSize(png: Buffer, width: number, height: number): Buffer {
  const [header, ...rest] = pngChunks(png);
  const data = Buffer.from(header.data);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  return pngOf([{ type: header.type, data }, ...rest]);
}

/** A PNG that says it is animated, with `frames` frames. */
export function animatedPng(png: Buffer, frames: number): Buffer {
  const control = Buffer.alloc(8);
  control.writeUInt32BE(frames, 0);
  return withPngChunk(png, 'acTL', control);
}

/** An iCCP chunk's content with this profile. */
export function pngProfile(profile: Buffer): Buffer {
  return Buffer.concat([Buffer.from('profile\0\0', 'latin1'), deflateSync(profile)]);
}

/** A TIFF of uncompressed RGB pages, one strip each; the pixels are all the same grey. */
export function greyTiff(pages: number, side: number, { bits = 8, floatingPoint = false } = {}): Buffer {
  const entries = 11;
  const directoryBytes = 2 + entries * 12 + 4;
  const stripBytes = side * side * 3 * (bits / 8);
  const pageBytes = directoryBytes + 6 + stripBytes;
  const file = Buffer.alloc(8 + pages * pageBytes, 128);
  file.write('II*\0', 0, 'latin1');
  file.writeUInt32LE(8, 4);
  for (let page = 0; page < pages; page++) {
    const start = 8 + page * pageBytes;
    const depths = start + directoryBytes;
    const fields: readonly (readonly [tag: number, type: number, count: number, value: number])[] = [
      [256, 4, 1, side],
      [257, 4, 1, side],
      [258, 3, 3, depths],
      [259, 3, 1, 1],
      [262, 3, 1, 2],
      [273, 4, 1, depths + 6],
      [277, 3, 1, 3],
      [278, 4, 1, side],
      [279, 4, 1, stripBytes],
      [284, 3, 1, 1],
      [339, 3, 1, floatingPoint ? 3 : 1],
    ];
    file.writeUInt16LE(entries, start);
    fields.forEach(([tag, type, count, value], i) => {
      const at = start + 2 + i * 12;
      file.writeUInt16LE(tag, at);
      file.writeUInt16LE(type, at + 2);
      file.writeUInt32LE(count, at + 4);
      file.writeUInt32LE(value, at + 8);
    });
    file.writeUInt32LE(page + 1 < pages ? start + pageBytes : 0, start + directoryBytes - 4);
    for (let channel = 0; channel < 3; channel++) file.writeUInt16LE(bits, depths + channel * 2);
  }
  return file;
}

/**
 * A sound grey progressive JPEG, side × side, in 883 scans: each coefficient is refined thirteen times, by nothing. For
 * a few dozen bytes per scan a decoder walks over the whole image.
 */
export function scanBomb(side: number): Buffer {
  const blocks = Math.ceil(side / 8) ** 2;
  const size = Buffer.alloc(4);
  size.writeUInt16BE(side, 0);
  size.writeUInt16BE(side, 2);
  const oneCode = (tableClass: number, symbol: number) =>
    jpegSegment(HUFFMAN_TABLE, Uint8Array.of(tableClass << 4, 1, ...new Uint8Array(15), symbol));
  const scan = (first: number, last: number, approximation: number, bits: string) =>
    Buffer.concat([
      jpegSegment(START_OF_SCAN, Uint8Array.of(1, 1, 0, first, last, approximation)),
      entropyCoded(bits),
    ]);
  // Symbol E0 with fourteen bits b: this block and the 2^14 + b − 1 next ones hold nothing more.
  const emptyRuns = Array.from({ length: Math.floor(blocks / 2 ** 14) }, () => '0'.repeat(15)).join('');
  const remainder = blocks % 2 ** 14;
  const tail = remainder === 0 ? '' : '0'.repeat(15);
  const refinements = Array.from({ length: 63 }, (_, i) =>
    Array.from({ length: 14 }, (_, step) => {
      const low = 13 - step;
      return scan(i + 1, i + 1, step === 0 ? low : ((low + 1) << 4) | low, emptyRuns + tail);
    }),
  );
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    jpegSegment(0xdb, Uint8Array.of(0, ...new Uint8Array(64).fill(1))),
    jpegSegment(0xc2, Uint8Array.of(8, ...size, 1, 1, 0x11, 0)),
    oneCode(0, 0),
    oneCode(1, 0xe0),
    scan(0, 0, 0, '0'.repeat(blocks)),
    ...refinements.flat(),
    Buffer.from([0xff, 0xd9]),
  ]);
}

/** Bits as entropy-coded data: filled up with ones, a zero byte behind every FF. */
function entropyCoded(bits: string): Buffer {
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  const bytes = Array.from({ length: padded.length / 8 }, (_, i) =>
    Number.parseInt(padded.slice(i * 8, i * 8 + 8), 2),
  );
  return Buffer.from(bytes.flatMap((byte) => (byte === 0xff ? [0xff, 0] : [byte])));
}
