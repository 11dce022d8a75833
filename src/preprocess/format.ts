/** What a file is, told by its first bytes: names lie, and no decoder is asked to guess. */

export type AcceptedFormat = 'jpeg' | 'png' | 'webp' | 'tiff' | 'avif' | 'bmp';

export type SniffedFormat =
  | { readonly accepted: true; readonly format: AcceptedFormat }
  | {
      readonly accepted: false;
      readonly description: string;
      /** What makes an image that is read of it; null where nothing does. */
      readonly remedy: string | null;
    };

interface Signature {
  readonly offset: number;
  /** Latin-1. */
  readonly magic: string;
}

const ACCEPTED: readonly (readonly [AcceptedFormat, readonly Signature[]])[] = [
  ['jpeg', [{ offset: 0, magic: '\xff\xd8\xff' }]],
  ['png', [{ offset: 0, magic: '\x89PNG\r\n\x1a\n' }]],
  [
    'webp',
    [
      { offset: 0, magic: 'RIFF' },
      { offset: 8, magic: 'WEBP' },
    ],
  ],
  ['tiff', [{ offset: 0, magic: 'II*\0' }]],
  ['tiff', [{ offset: 0, magic: 'MM\0*' }]],
  ['avif', [{ offset: 4, magic: 'ftypavif' }]],
  // The four bytes behind the file’s size are always zero.
  [
    'bmp',
    [
      { offset: 0, magic: 'BM' },
      { offset: 6, magic: '\0\0\0\0' },
    ],
  ],
];

/** What is not read, and what makes an image that is read of it. */
const REFUSED: readonly (readonly [string, Signature, remedy?: string])[] = [
  ['a GIF image', { offset: 0, magic: 'GIF8' }, 'save it as PNG'],
  ['a BMP image of an unusual kind', { offset: 0, magic: 'BM' }, 'save it as PNG'],
  ['a BigTIFF image', { offset: 0, magic: 'II+\0' }, 'tiffcp input.tif output.tif'],
  ['a BigTIFF image', { offset: 0, magic: 'MM\0+' }, 'tiffcp input.tif output.tif'],
  ...['heic', 'heix', 'mif1', 'msf1', 'hevc'].map(
    (brand) =>
      [
        'a HEIC image',
        { offset: 4, magic: `ftyp${brand}` },
        'heif-convert input.heic output.png, or set the telephone’s camera to “most compatible”',
      ] as const,
  ),
  ['a HEIF image or a video', { offset: 4, magic: 'ftyp' }, 'save the picture as PNG'],
  ['a JPEG 2000 image', { offset: 0, magic: '\0\0\0\x0cjP  ' }, 'opj_decompress -i input.jp2 -o output.png'],
  ['a JPEG XL image', { offset: 0, magic: '\xff\x0a' }, 'djxl input.jxl output.png'],
  ['a JPEG XL image', { offset: 0, magic: '\0\0\0\x0cJXL ' }, 'djxl input.jxl output.png'],
  ['a Photoshop document', { offset: 0, magic: '8BPS' }, 'export it as PNG'],
  [
    'a DICOM file',
    { offset: 128, magic: 'DICM' },
    'dcmj2pnm --write-png input.dcm output.png (DCMTK), which leaves names of patients behind',
  ],
  ['a PDF document', { offset: 0, magic: '%PDF' }, 'pdfimages -png input.pdf output'],
  ['a ZIP archive', { offset: 0, magic: 'PK' }, 'unpack it'],
  ['a gzip archive', { offset: 0, magic: '\x1f\x8b' }, 'unpack it'],
  ['a RIFF file that is no WebP', { offset: 0, magic: 'RIFF' }],
];

/** `bytes`: a whole file or its first 512 bytes. */
export function sniffFormat(bytes: Uint8Array): SniffedFormat {
  const start = bytes.subarray(0, 512);
  const head = Buffer.from(start).toString('latin1');
  const has = ({ offset, magic }: Signature) => head.startsWith(magic, offset);
  for (const [format, signatures] of ACCEPTED) {
    if (signatures.every(has)) return { accepted: true, format };
  }
  const known = REFUSED.find(([, signature]) => has(signature));
  return {
    accepted: false,
    description: known?.[0] ?? describeUnknown(start),
    remedy: known?.[2] ?? null,
  };
}

function describeUnknown(start: Uint8Array): string {
  if (start.every((byte) => byte === 0)) return 'a file of zero bytes';
  const text = textOf(start);
  if (text === null) return 'an unknown kind of file';
  if (/<svg[\s>]/i.test(text)) return 'an SVG drawing';
  if (/<(?:!doctype html|html|head|body)[\s>]/i.test(text)) return 'an HTML page';
  return 'a text file';
}

/** UTF-8 without control characters, or null. */
function textOf(start: Uint8Array): string | null {
  try {
    // A character may be cut in two where the sample ends.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: true });
    return /[^\P{Cc}\t\r\n\f]/u.test(text) || text === '' ? null : text;
  } catch {
    return null;
  }
}

/**
 * Whether a PNG is animated (APNG): its animation control chunk stands before the image data. The decoder would show the
 * first picture and say nothing.
 */
export function isAnimatedPng(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 8 <= bytes.length; ) {
    const type = view.getUint32(at + 4);
    if (type === ANIMATION_CONTROL) return true;
    if (type === IMAGE_DATA) return false;
    at += 12 + view.getUint32(at);
  }
  return false;
}

/**
 * Start-of-scan markers of a JPEG, in its metadata (thumbnails) too; compressed data cannot hold one. No more than
 * `most` + 1 are counted.
 */
export function countScans(bytes: Uint8Array, most: number): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  let at = buffer.indexOf(START_OF_SCAN);
  for (; at >= 0 && count <= most; at = buffer.indexOf(START_OF_SCAN, at + 2)) count++;
  return count;
}

const START_OF_SCAN = Buffer.from([0xff, 0xda]);
const ANIMATION_CONTROL = 0x6163544c; // acTL
const IMAGE_DATA = 0x49444154; // IDAT
