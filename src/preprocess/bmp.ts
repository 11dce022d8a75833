/**
 * Windows bitmaps, which the decoder of the other formats does not know: uncompressed, with a palette, 24 or 32 bits. The
 * file says its size in its header, so that nothing is made before it is known to be there.
 */
import type { RgbFrame } from '../frame.ts';

/** A bitmap's header, as far as reading needs it. */
export interface BitmapHeader {
  readonly width: number;
  readonly height: number;
  readonly isTopDown: boolean;
  readonly bits: number;
  readonly compression: number;
  readonly pixels: number;
  readonly palette: number;
  readonly colours: number;
}

const FILE_HEADER = 14;
const UNCOMPRESSED = 0;
const BIT_FIELDS = 3;
/** Red, green and blue of 32 bits where the file spells out the usual places. */
const USUAL_FIELDS: readonly number[] = [0xff0000, 0xff00, 0xff];

/** @throws RangeError where the file is shorter than its header */
export function bitmapHeader(bytes: Uint8Array): BitmapHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(FILE_HEADER, true);
  if (size < 40) throw new RangeError('a bitmap of OS/2, which nothing here reads');
  const height = view.getInt32(22, true);
  const bits = view.getUint16(28, true);
  const stated = view.getUint32(46, true);
  return {
    width: view.getInt32(18, true),
    height: Math.abs(height),
    isTopDown: height < 0,
    bits,
    compression: view.getUint32(30, true),
    pixels: view.getUint32(10, true),
    palette: FILE_HEADER + size,
    colours: bits <= 8 ? stated || 2 ** bits : 0,
  };
}

/** @throws RangeError in words where the bitmap is of a kind that is not read, or cut short */
export function decodeBitmap(bytes: Uint8Array): RgbFrame {
  const header = bitmapHeader(bytes);
  const { width, height, bits, isTopDown, pixels } = header;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  requireKnown(header, view);
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (pixels < FILE_HEADER || pixels + stride * height > bytes.length) {
    throw new RangeError(`${stride * height} bytes of pixels, of which the file has fewer`);
  }
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = pixels + (isTopDown ? y : height - 1 - y) * stride;
    for (let x = 0; x < width; x++) {
      const at = bits === 8 ? paletteEntry(header, bytes, row + x) : row + x * (bits / 8);
      const to = (y * width + x) * 3;
      rgb[to] = bytes[at + 2];
      rgb[to + 1] = bytes[at + 1];
      rgb[to + 2] = bytes[at];
    }
  }
  return { rgb, width, height };
}

function requireKnown(
  { bits, compression, width, height, colours, palette, pixels }: BitmapHeader,
  view: DataView,
): void {
  const usualFields =
    compression === BIT_FIELDS &&
    bits === 32 &&
    USUAL_FIELDS.every((mask, i) => view.getUint32(54 + 4 * i, true) === mask);
  if (![8, 24, 32].includes(bits) || !(compression === UNCOMPRESSED || usualFields)) {
    throw new RangeError(`${bits} bits with compression ${compression}, where 8, 24 or 32 without are read`);
  }
  if (width < 1 || height < 1) throw new RangeError(`${width}×${height} pixels`);
  if (bits === 8 && (colours > 256 || palette + 4 * colours > pixels))
    throw new RangeError('no room for the palette');
}

function paletteEntry({ palette, colours }: BitmapHeader, bytes: Uint8Array, at: number): number {
  if (bytes[at] >= colours) throw new RangeError(`colour ${bytes[at]} of ${colours}`);
  return palette + 4 * bytes[at];
}
