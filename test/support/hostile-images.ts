/** Malformed, odd and hostile image files, each with the one outcome that is right for it. */

import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { drawnLesion, imageOf, lesionImage } from './drawn-lesion.ts';
import {
  circularTiff,
  plainText,
  sharedValuesTiff,
  textBomb,
  withEmptyChunks,
  withEmptyRiffChunks,
  withEmptySegments,
} from './image-bombs.ts';
import {
  animatedPng,
  exifOrientation,
  findJpegSegment,
  greyTiff,
  HUFFMAN_TABLE,
  PNG_SIGNATURE,
  pngChunks,
  pngOf,
  pngProfile,
  START_OF_SCAN,
  scanBomb,
  withJpegFrame,
  withJpegSegment,
  withPngChunk,
  withPngSize,
} from './image-surgery.ts';

export interface HostileImage {
  /** Name of the file; tells what it is. */
  readonly name: string;
  readonly bytes: Buffer;
  /** `read`, or the refusal's code, or the integrity check's reason. */
  readonly outcome: string;
}

/** Every file, made anew; nothing in it is a photograph. */
export async function hostileImages(): Promise<HostileImage[]> {
  const groups = await Promise.all([
    oddButSound(),
    damagedJpegs(),
    damagedPngs(),
    otherDamage(),
    bombs(),
    severalPictures(),
    otherFormats(),
    polyglots(),
    unfit(),
  ]);
  return groups.flat();
}

const cases = (entries: Readonly<Record<string, readonly [Buffer, string]>>): HostileImage[] =>
  Object.entries(entries).map(([name, [bytes, outcome]]) => ({ name, bytes, outcome }));

const truncated = (bytes: Buffer, share: number) => bytes.subarray(0, Math.floor(bytes.length * share));

/** The same file with some bytes overwritten, from `share` of its length. */
function overwritten(bytes: Buffer, share: number, length: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.fill(value, Math.floor(bytes.length * share), Math.floor(bytes.length * share) + length);
  return copy;
}

async function oddButSound(): Promise<HostileImage[]> {
  const jpeg = await lesionImage().jpeg().toBuffer();
  const png = await lesionImage().png().toBuffer();
  const rgb16 = sharp(
    Uint16Array.from(drawnLesion(320, 240).rgb, (value) => value * 257),
    {
      raw: { width: 320, height: 240, channels: 3 },
    },
  );
  const translucent = lesionImage().ensureAlpha(0.9);
  return cases({
    'baseline.jpg': [jpeg, 'read'],
    'progressive.jpg': [await lesionImage().jpeg({ progressive: true }).toBuffer(), 'read'],
    'grey.jpg': [await lesionImage().greyscale().jpeg().toBuffer(), 'read'],
    'cmyk.jpg': [await lesionImage().toColourspace('cmyk').jpeg().toBuffer(), 'read'],
    'cmyk-with-profile.jpg': [
      await lesionImage().toColourspace('cmyk').withIccProfile('cmyk').jpeg().toBuffer(),
      'read',
    ],
    'p3-profile.jpg': [await lesionImage().withIccProfile('p3').jpeg().toBuffer(), 'read'],
    'corrupt-profile.jpg': [
      withJpegSegment(jpeg, 0xe2, Buffer.from(`ICC_PROFILE\0\x01\x01${'nonsense'.repeat(40)}`, 'latin1')),
      'read',
    ],
    'corrupt-exif.jpg': [
      withJpegSegment(jpeg, 0xe1, Buffer.from(`Exif\0\0MM\0*${'\xff'.repeat(60)}`, 'latin1')),
      'read',
    ],
    'orientation-6.jpg': [withJpegSegment(jpeg, 0xe1, exifOrientation(6)), 'read'],
    'orientation-99.jpg': [withJpegSegment(jpeg, 0xe1, exifOrientation(99)), 'read'],
    'bytes-after-the-end.jpg': [Buffer.concat([jpeg, Buffer.alloc(5000, 0x41)]), 'read'],
    'png-named.jpg': [png, 'read'],
    'jpeg-named.tif': [jpeg, 'read'],
    'interlaced.png': [await lesionImage().png({ progressive: true }).toBuffer(), 'read'],
    'palette.png': [await lesionImage().png({ palette: true, colours: 64 }).toBuffer(), 'read'],
    'sixteen-bit.png': [await rgb16.clone().toColourspace('rgb16').png().toBuffer(), 'read'],
    'grey.png': [await lesionImage().greyscale().png().toBuffer(), 'read'],
    'grey-alpha.png': [await translucent.clone().greyscale().png().toBuffer(), 'read'],
    'alpha.png': [await translucent.clone().png().toBuffer(), 'read'],
    'corrupt-profile.png': [withPngChunk(png, 'iCCP', pngProfile(Buffer.alloc(300, 7))), 'read'],
    'corrupt-text.png': [withPngChunk(png, 'tEXt', Buffer.alloc(300, 0xff)), 'read'],
    'lossy.webp': [await lesionImage().webp({ quality: 90 }).toBuffer(), 'read'],
    'lossless.webp': [await lesionImage().webp({ lossless: true }).toBuffer(), 'read'],
    'alpha.webp': [await translucent.clone().webp().toBuffer(), 'read'],
    'deflate.tif': [await lesionImage().tiff({ compression: 'deflate' }).toBuffer(), 'read'],
    'tiled.tif': [await lesionImage().tiff({ tile: true, compression: 'lzw' }).toBuffer(), 'read'],
    'sixteen-bit.tif': [
      await rgb16.clone().toColourspace('rgb16').tiff({ compression: 'lzw' }).toBuffer(),
      'read',
    ],
    'cmyk.tif': [await lesionImage().toColourspace('cmyk').tiff({ compression: 'lzw' }).toBuffer(), 'read'],
  });
}

async function damagedJpegs(): Promise<HostileImage[]> {
  const jpeg = await lesionImage().jpeg().toBuffer();
  const progressive = await lesionImage().jpeg({ progressive: true }).toBuffer();
  const scan = findJpegSegment(jpeg, [START_OF_SCAN]);
  const table = findJpegSegment(jpeg, [HUFFMAN_TABLE]);
  const brokenTable = Buffer.from(jpeg);
  brokenTable.fill(0xff, table + 5, table + 21);
  return cases({
    'start-only.jpg': [jpeg.subarray(0, 3), 'IMAGE_DAMAGED'],
    'headers-only.jpg': [jpeg.subarray(0, scan), 'IMAGE_DAMAGED'],
    'truncated-quarter.jpg': [truncated(jpeg, 0.25), 'IMAGE_DAMAGED'],
    'truncated-half.jpg': [truncated(jpeg, 0.5), 'IMAGE_DAMAGED'],
    'truncated-three-quarters.jpg': [truncated(jpeg, 0.75), 'IMAGE_DAMAGED'],
    'truncated-end-marker.jpg': [jpeg.subarray(0, -2), 'IMAGE_DAMAGED'],
    'truncated-progressive.jpg': [truncated(progressive, 0.6), 'IMAGE_DAMAGED'],
    'markers-in-the-scan.jpg': [overwritten(jpeg, 0.6, 40, 0xff), 'IMAGE_DAMAGED'],
    'zeros-in-the-scan.jpg': [overwritten(jpeg, 0.5, 3000, 0), 'IMAGE_DAMAGED'],
    'broken-huffman-table.jpg': [brokenTable, 'IMAGE_DAMAGED'],
    'taller-than-its-data.jpg': [withJpegFrame(jpeg, { height: 480 }), 'IMAGE_DAMAGED'],
    'no-height.jpg': [withJpegFrame(jpeg, { height: 0 }), 'IMAGE_DAMAGED'],
    'twelve-bit.jpg': [withJpegFrame(jpeg, { precision: 12 }), 'IMAGE_DAMAGED'],
    'lossless-process.jpg': [withJpegFrame(jpeg, { marker: 0xc3 }), 'IMAGE_DAMAGED'],
  });
}

async function damagedPngs(): Promise<HostileImage[]> {
  const png = await lesionImage().png().toBuffer();
  const wrongChecksum = Buffer.from(png);
  wrongChecksum[29] ^= 1;
  const [header, ...rest] = pngChunks(png);
  const withoutData = pngOf([header, { type: 'IEND', data: Buffer.alloc(0) }]);
  return cases({
    'signature-only.png': [PNG_SIGNATURE, 'IMAGE_DAMAGED'],
    'truncated-quarter.png': [truncated(png, 0.25), 'IMAGE_DAMAGED'],
    'truncated-half.png': [truncated(png, 0.5), 'IMAGE_DAMAGED'],
    'truncated-last-byte-of-data.png': [png.subarray(0, -17), 'IMAGE_DAMAGED'],
    'header-checksum.png': [wrongChecksum, 'IMAGE_DAMAGED'],
    'data-checksum.png': [overwritten(png, 0.5, 4, 0x5a), 'IMAGE_DAMAGED'],
    'no-data.png': [withoutData, 'IMAGE_DAMAGED'],
    'no-header.png': [pngOf(rest), 'IMAGE_DAMAGED'],
    'no-width.png': [withPngSize(png, 0, 240), 'IMAGE_DAMAGED'],
  });
}

async function otherDamage(): Promise<HostileImage[]> {
  const webp = await lesionImage().webp().toBuffer();
  const tiff = await lesionImage().tiff({ compression: 'lzw' }).toBuffer();
  return cases({
    'truncated-half.webp': [truncated(webp, 0.5), 'IMAGE_DAMAGED'],
    'header-only.webp': [webp.subarray(0, 16), 'IMAGE_DAMAGED'],
    'truncated-half.tif': [truncated(tiff, 0.5), 'IMAGE_DAMAGED'],
    'truncated-strip.tif': [truncated(greyTiff(1, 160), 0.5), 'IMAGE_DAMAGED'],
    'header-only.tif': [tiff.subarray(0, 8), 'IMAGE_DAMAGED'],
    'directory-nowhere.tif': [Buffer.from('49492a00ffffff7f', 'hex'), 'IMAGE_DAMAGED'],
  });
}

async function bombs(): Promise<HostileImage[]> {
  const flat = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#c89a88' } });
  const jpeg = await lesionImage().jpeg().toBuffer();
  const png = await lesionImage().png().toBuffer();
  return cases({
    'sixty-megapixels.png': [await flat(10_000, 6000).png().toBuffer(), 'IMAGE_TOO_LARGE'],
    'sixty-megapixels.jpg': [await flat(10_000, 6000).jpeg().toBuffer(), 'IMAGE_TOO_LARGE'],
    'sixty-megapixels.webp': [await flat(10_000, 6000).webp().toBuffer(), 'IMAGE_TOO_LARGE'],
    'sixty-megapixels.tif': [
      await flat(10_000, 6000).tiff({ compression: 'deflate' }).toBuffer(),
      'IMAGE_TOO_LARGE',
    ],
    'wide.png': [await flat(20_000, 160).png().toBuffer(), 'IMAGE_TOO_LARGE'],
    'claims-65500-squared.jpg': [withJpegFrame(jpeg, { width: 65_500, height: 65_500 }), 'IMAGE_TOO_LARGE'],
    'claims-a-million-squared.png': [withPngSize(png, 1_000_000, 1_000_000), 'IMAGE_TOO_LARGE'],
    'claims-the-largest-number.png': [withPngSize(png, 0x7fffffff, 0x7fffffff), 'IMAGE_DAMAGED'],
    'scan-bomb.jpg': [scanBomb(1000), 'IMAGE_TOO_MANY_SCANS'],
    'compressed-text.png': [textBomb(png, 'zTXt', 12), 'IMAGE_TOO_COMPLEX'],
    'compressed-international-text.png': [textBomb(png, 'iTXt', 12), 'IMAGE_TOO_COMPLEX'],
    'a-little-compressed-text.png': [textBomb(png, 'zTXt', 2), 'read'],
    'much-plain-text.png': [withPngChunk(png, 'tEXt', plainText(500_000)), 'read'],
    'empty-chunks.png': [withEmptyChunks(png, 200_000), 'IMAGE_TOO_COMPLEX'],
    'empty-segments.jpg': [withEmptySegments(jpeg, 200_000), 'IMAGE_TOO_COMPLEX'],
    'empty-chunks.webp': [
      withEmptyRiffChunks(await lesionImage().webp().toBuffer(), 200_000),
      'IMAGE_TOO_COMPLEX',
    ],
    'shared-values.tif': [sharedValuesTiff(2000, 100_000), 'IMAGE_TOO_COMPLEX'],
    'circular-pages.tif': [circularTiff(), 'IMAGE_TOO_COMPLEX'],
  });
}

async function severalPictures(): Promise<HostileImage[]> {
  const png = await lesionImage().png().toBuffer();
  const second = await imageOf(drawnLesion(320, 240, [0.3, 0.6]))
    .png()
    .toBuffer();
  const frames = () => sharp([png, second], { join: { animated: true } });
  return cases({
    'animated.webp': [await frames().webp().toBuffer(), 'IMAGE_ANIMATED'],
    'animated.png': [animatedPng(png, 2), 'IMAGE_ANIMATED'],
    'animated.gif': [await frames().gif().toBuffer(), 'IMAGE_FORMAT'],
    'two-pages.tif': [greyTiff(2, 160), 'IMAGE_MULTIPAGE'],
    'hundred-pages.tif': [greyTiff(100, 8), 'IMAGE_MULTIPAGE'],
  });
}

async function otherFormats(): Promise<HostileImage[]> {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"><rect width="300" height="300"/></svg>';
  const bitmap = Buffer.alloc(200, 1);
  bitmap.write('BM', 0, 'latin1');
  const dicom = Buffer.alloc(400);
  dicom.write('DICM', 128, 'latin1');
  return cases({
    'empty.jpg': [Buffer.alloc(0), 'IMAGE_EMPTY'],
    'one-byte.jpg': [Buffer.from([0xff]), 'IMAGE_FORMAT'],
    'text.jpg': [Buffer.from('This is no image.\n'), 'IMAGE_FORMAT'],
    'unicode.jpg': [Buffer.from('Žádný obrázek\n'), 'IMAGE_FORMAT'],
    'zeros.jpg': [Buffer.alloc(4096), 'IMAGE_FORMAT'],
    'page.jpg': [Buffer.from('<!DOCTYPE html><html><body>404</body></html>'), 'IMAGE_FORMAT'],
    'drawing.png': [Buffer.from(svg), 'IMAGE_FORMAT'],
    'external-entity.png': [
      Buffer.from(`<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>${svg}`),
      'IMAGE_FORMAT',
    ],
    'document.jpg': [Buffer.from('%PDF-1.7\n%âãÏÓ\n'), 'IMAGE_FORMAT'],
    'archive.jpg': [Buffer.from('PK\x03\x04nothing of note', 'latin1'), 'IMAGE_FORMAT'],
    'compressed.jpg': [gzipSync(await lesionImage().jpeg().toBuffer()), 'IMAGE_FORMAT'],
    'still.gif': [await lesionImage().gif().toBuffer(), 'IMAGE_FORMAT'],
    'bitmap.bmp': [bitmap, 'IMAGE_FORMAT'],
    'half.avif': [
      (await lesionImage(64, 64).avif({ effort: 0 }).toBuffer()).subarray(0, 400),
      'IMAGE_DAMAGED',
    ],
    'scan.jpg': [dicom, 'IMAGE_FORMAT'],
    'pixels.jpg': [Buffer.from(drawnLesion(64, 64).rgb), 'IMAGE_FORMAT'],
    'riff.webp': [Buffer.from('RIFF\x10\0\0\0WAVEfmt ', 'latin1'), 'IMAGE_FORMAT'],
    'big.tif': [await lesionImage().tiff({ bigtiff: true }).toBuffer(), 'IMAGE_FORMAT'],
    'floating-point.tif': [greyTiff(1, 160, { bits: 32, floatingPoint: true }), 'IMAGE_COLOUR'],
  });
}

async function polyglots(): Promise<HostileImage[]> {
  const jpeg = await lesionImage().jpeg().toBuffer();
  const png = await lesionImage().png().toBuffer();
  const script = Buffer.from('<svg onload="alert(1)"></svg><script>alert(1)</script>');
  return cases({
    'jpeg-with-svg-comment.jpg': [withJpegSegment(jpeg, 0xfe, script), 'read'],
    'png-and-archive.png': [Buffer.concat([png, Buffer.from('PK\x03\x04 more', 'latin1')]), 'read'],
    'gif-header-and-jpeg.jpg': [Buffer.concat([Buffer.from('GIF89a'), jpeg]), 'IMAGE_FORMAT'],
    'pdf-header-and-jpeg.jpg': [Buffer.concat([Buffer.from('%PDF-1.4\n'), jpeg]), 'IMAGE_FORMAT'],
    'jpeg-signature-and-png.jpg': [Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), png]), 'IMAGE_DAMAGED'],
    'png-signature-and-jpeg.png': [Buffer.concat([PNG_SIGNATURE, jpeg]), 'IMAGE_DAMAGED'],
    'line\nbreak.jpg': [jpeg, 'read'],
    '-option.jpg': [jpeg, 'read'],
    'žlutý kůň 皮膚 \u202egpj.jpg': [jpeg, 'read'],
    '\u001b[31mred.jpg': [Buffer.from('no image'), 'IMAGE_FORMAT'],
  });
}

async function unfit(): Promise<HostileImage[]> {
  const flat = sharp({ create: { width: 300, height: 200, channels: 3, background: '#c89a88' } });
  const bright = lesionImage().linear(8, 0);
  return cases({
    'one-pixel.png': [await lesionImage(1, 1).png().toBuffer(), 'too-small'],
    'one-pixel.jpg': [await lesionImage(1, 1).jpeg().toBuffer(), 'too-small'],
    'one-line.png': [await lesionImage(1000, 1).png().toBuffer(), 'too-small'],
    'short-side-149.png': [await lesionImage(149, 400).png().toBuffer(), 'too-small'],
    'flat.jpg': [await flat.clone().jpeg().toBuffer(), 'flat'],
    'black.png': [await flat.clone().linear(0, 0).png().toBuffer(), 'clipped'],
    'overexposed.png': [await bright.png().toBuffer(), 'clipped'],
    'blurred.jpg': [await lesionImage().blur(12).jpeg().toBuffer(), 'out-of-focus'],
    'transparent.png': [await lesionImage().ensureAlpha(0).png().toBuffer(), 'clipped'],
  });
}
