/**
 * What a file holds beside its picture, counted before a decoder sees it. A decoder reads all of it, in a thread that
 * nothing can end, so what it may cost is bounded here: chunks of PNG and WebP, segments of JPEG, entries of TIFF
 * directories. The walks stop where a structure leaves the file: to say what is damaged is the decoder's part.
 */
import type { AcceptedFormat } from './format.ts';
import { MAXIMUM_COMPRESSED_TEXT, MAXIMUM_PAGES, MAXIMUM_PARTS } from './limits.ts';

/** What is more than any camera or program writes, and what would be allowed. */
export interface Excess {
  readonly expected: string;
  readonly received: string;
}

/** Null where the file is of ordinary structure. */
export function excessOf(bytes: Uint8Array, format: AcceptedFormat): Excess | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (format) {
    case 'png':
      return excessOfPng(view);
    case 'jpeg':
      return tooMany(countSegments(view), 'segments');
    case 'webp':
      return tooMany(countRiffChunks(view), 'chunks');
    case 'tiff':
      return excessOfTiff(view);
    case 'avif':
    case 'bmp':
      return null;
  }
}

function tooMany(count: number, what: string): Excess | null {
  if (count <= MAXIMUM_PARTS) return null;
  return { expected: `at most ${MAXIMUM_PARTS} ${what}`, received: 'more' };
}

const COMPRESSED_TEXT = 0x7a545874; // zTXt
const INTERNATIONAL_TEXT = 0x69545874; // iTXt

/** Compressed text grows a thousandfold when it is read: for the header alone, and again for the pixels. */
function excessOfPng(view: DataView): Excess | null {
  let parts = 0;
  let compressed = 0;
  for (let at = 8; at + 8 <= view.byteLength; ) {
    const length = view.getUint32(at);
    const type = view.getUint32(at + 4);
    if (++parts > MAXIMUM_PARTS) return tooMany(parts, 'chunks');
    if (type === COMPRESSED_TEXT || (type === INTERNATIONAL_TEXT && isCompressed(view, at + 8, length))) {
      compressed += length;
      if (compressed > MAXIMUM_COMPRESSED_TEXT) {
        return {
          expected: `at most ${MAXIMUM_COMPRESSED_TEXT} bytes of compressed text`,
          received: `${compressed} bytes or more`,
        };
      }
    }
    at += 12 + length;
  }
  return null;
}

/** Whether an iTXt chunk is compressed: the byte behind its keyword, which is no longer than 79 bytes, says so. */
function isCompressed(view: DataView, start: number, length: number): boolean {
  const end = Math.min(start + length, start + 80, view.byteLength - 1);
  for (let at = start; at < end; at++) if (view.getUint8(at) === 0) return view.getUint8(at + 1) !== 0;
  return true;
}

const START_OF_SCAN = 0xda;

/** Marker segments before the first scan. */
function countSegments(view: DataView): number {
  let count = 0;
  for (let at = 2; at + 4 <= view.byteLength && view.getUint8(at) === 0xff && count <= MAXIMUM_PARTS; ) {
    const marker = view.getUint8(at + 1);
    if (marker === START_OF_SCAN) break;
    // Any number of FF may stand before a marker.
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
    if (marker !== 0xff) count++;
  }
  return count;
}

function countRiffChunks(view: DataView): number {
  let count = 0;
  for (let at = 12; at + 8 <= view.byteLength && count <= MAXIMUM_PARTS; count++) {
    const length = view.getUint32(at + 4, true);
    at += 8 + length + (length % 2);
  }
  return count;
}

/** Bytes of one value, by the number of its type; 0 for a type that there is not. */
const TIFF_TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];

/** Directories follow one another, and may lead back; the values of their entries may all be the same bytes of the file. */
function excessOfTiff(view: DataView): Excess | null {
  const little = view.getUint8(0) === 0x49;
  const most = 2 * view.byteLength;
  let parts = 0;
  let valueBytes = 0;
  let pages = 0;
  for (let at = view.byteLength < 8 ? 0 : view.getUint32(4, little); at !== 0; pages++) {
    if (pages >= MAXIMUM_PAGES) {
      return { expected: `at most ${MAXIMUM_PAGES} pages`, received: 'more, or the same ones again' };
    }
    if (at + 2 > view.byteLength) return null;
    const entries = view.getUint16(at, little);
    const end = at + 2 + entries * 12;
    if (end + 4 > view.byteLength) return null;
    parts += entries;
    if (parts > MAXIMUM_PARTS) return tooMany(parts, 'entries of directories');
    for (let entry = at + 2; entry < end; entry += 12) {
      const size = TIFF_TYPE_BYTES[view.getUint16(entry + 2, little)] ?? 0;
      valueBytes += size * view.getUint32(entry + 4, little);
    }
    if (valueBytes > most) {
      return {
        expected: `values of at most ${most} bytes in a file of ${view.byteLength}`,
        received: `${valueBytes} bytes`,
      };
    }
    at = view.getUint32(end, little);
  }
  return null;
}
