/** Small image files that are made to cost a decoder much, beside a picture that is sound. */
import { deflateSync } from 'node:zlib';
import { encodedChunk, greyTiff, jpegSegment, pngChunks, pngOf } from './image-surgery.ts';

/** The same PNG with chunks of compressed text, each of which becomes seven million characters. */
export function textBomb(png: Buffer, type: 'zTXt' | 'iTXt', chunks: number): Buffer {
  const keyword = type === 'zTXt' ? 'comment\0\0' : 'comment\0\x01\0\0\0';
  const data = Buffer.concat([Buffer.from(keyword, 'latin1'), deflateSync(Buffer.alloc(7_000_000, 'a'))]);
  const [header, ...rest] = pngChunks(png);
  return pngOf([header, ...Array.from({ length: chunks }, () => ({ type, data })), ...rest]);
}

/** A tEXt chunk's content with so many characters. */
export function plainText(characters: number): Buffer {
  return Buffer.concat([Buffer.from('comment\0', 'latin1'), Buffer.alloc(characters, 'a')]);
}

/** The same PNG with chunks of no known kind that hold nothing, behind its header. */
export function withEmptyChunks(png: Buffer, count: number): Buffer {
  const chunk = encodedChunk({ type: 'zzZz', data: Buffer.alloc(0) });
  return Buffer.concat([png.subarray(0, 33), Buffer.alloc(count * chunk.length, chunk), png.subarray(33)]);
}

/** The same JPEG with segments that hold nothing and that a decoder keeps. */
export function withEmptySegments(jpeg: Buffer, count: number): Buffer {
  const segment = jpegSegment(0xe1, Buffer.alloc(0));
  const segments = Buffer.alloc(count * segment.length, segment);
  return Buffer.concat([jpeg.subarray(0, 2), segments, jpeg.subarray(2)]);
}

/** The same WebP with chunks of no known kind that hold nothing, at its end. */
export function withEmptyRiffChunks(webp: Buffer, count: number): Buffer {
  const file = Buffer.concat([webp, Buffer.alloc(count * 8, 'zzzz\0\0\0\0')]);
  file.writeUInt32LE(file.length - 8, 4);
  return file;
}

/** A TIFF with one grey strip and entries of unknown tags whose values are all the same bytes. */
export function sharedValuesTiff(entries: number, bytes: number): Buffer {
  const side = 160;
  const fields: (readonly [tag: number, type: number, count: number, value: number])[] = [
    [256, 4, 1, side],
    [257, 4, 1, side],
    [258, 3, 1, 8],
    [259, 3, 1, 1],
    [262, 3, 1, 1],
    [273, 4, 1, 0],
    [277, 3, 1, 1],
    [278, 4, 1, side],
    [279, 4, 1, side * side],
  ];
  const total = fields.length + entries;
  const pixels = 8 + 2 + total * 12 + 4;
  fields[5] = [273, 4, 1, pixels];
  for (let i = 0; i < entries; i++) fields.push([1000 + i, 1, bytes, pixels]);
  const file = Buffer.alloc(pixels + Math.max(side * side, bytes), 128);
  file.write('II*\0', 0, 'latin1');
  file.writeUInt32LE(8, 4);
  file.writeUInt16LE(total, 8);
  fields.forEach(([tag, type, count, value], i) => {
    const at = 10 + i * 12;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(count, at + 4);
    file.writeUInt32LE(value, at + 8);
  });
  file.writeUInt32LE(0, pixels - 4);
  return file;
}

/** A TIFF whose only directory is followed by itself. */
export function circularTiff(): Buffer {
  const file = greyTiff(1, 160);
  file.writeUInt32LE(8, 8 + 2 + 11 * 12);
  return file;
}
