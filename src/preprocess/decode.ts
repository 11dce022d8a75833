/**
 * Files and buffers to frames: JPEG, PNG, WebP, TIFF and AVIF, decoded by sharp into upright 8-bit sRGB, and BMP.
 *
 * A file about which the decoder has as much as a warning is refused: a diagnosis must not rest on pixels that a
 * decoder made up for missing ones.
 */
import sharp, { type Metadata } from 'sharp';
import { type FaultDetails, RefusedError, reasonOf } from '../errors.ts';
import type { RgbFrame } from '../frame.ts';
import { bitmapHeader, decodeBitmap } from './bmp.ts';
import { DeadlineError, within } from './deadline.ts';
import { type AcceptedFormat, countScans, isAnimatedPng, sniffFormat } from './format.ts';
import { readImageFile, refuseUnlessSized } from './image-file.ts';
import { MAXIMUM_DECODE_SECONDS, MAXIMUM_DIMENSION, MAXIMUM_PIXELS, MAXIMUM_SCANS } from './limits.ts';
import { excessOf } from './structure.ts';

// Every frame is seen once, so a cache of decoded images would only hold memory that a small device lacks.
sharp.cache(false);
// One thread per image: decoding is sequential, and several images at once already keep the cores busy.
sharp.concurrency(1);

/** Interpretations that become sRGB; others (CIELAB, floating point, multispectral) are refused. */
const COLOUR_SPACES: readonly string[] = ['srgb', 'rgb', 'rgb16', 'b-w', 'grey16', 'cmyk'];
const DEPTHS: readonly string[] = ['uchar', 'ushort'];

/**
 * Decodes an image file (path) or its bytes.
 *
 * Accepted on purpose: any EXIF orientation (applied), CMYK and embedded ICC profiles (converted to sRGB; a damaged
 * profile is passed over), 16 bit (its upper eight), grey and palettes (expanded), progressive and interlaced, alpha
 * (shown on black, as outside a dermoscope's field of view). Refused on purpose: more than one picture.
 * @throws RefusedError with a code `IMAGE_*`
 */
export async function decodeImage(source: string | Uint8Array): Promise<RgbFrame> {
  const file = typeof source === 'string' ? source : undefined;
  const bytes = typeof source === 'string' ? await readImageFile(source) : source;
  refuseUnlessSized(bytes.length, file);
  const format = acceptedFormat(bytes, file);
  refuseUnlessSimple(bytes, format, file);
  try {
    return await within(MAXIMUM_DECODE_SECONDS, decode(bytes, format, file));
  } catch (cause) {
    if (cause instanceof RefusedError) throw cause;
    throw decodingRefusal(cause, file);
  }
}

async function decode(
  bytes: Uint8Array,
  format: AcceptedFormat,
  file: string | undefined,
): Promise<RgbFrame> {
  if (format === 'bmp') return decodeBmp(bytes, file);
  refuseUnlessSuitable(await sharp(bytes, { limitInputPixels: false }).metadata(), format, bytes, file);
  return decodePixels(bytes);
}

/** @throws RefusedError `IMAGE_TOO_LARGE`; RangeError where it is damaged or of a kind that is not read */
function decodeBmp(bytes: Uint8Array, file: string | undefined): RgbFrame {
  const { width, height } = bitmapHeader(bytes);
  refuseUnlessOfSize(width, height, file);
  return decodeBitmap(bytes);
}

function refusal(
  code: string,
  message: string,
  file: string | undefined,
  details: FaultDetails,
): RefusedError {
  return new RefusedError(code, message, file === undefined ? details : { file, ...details });
}

function acceptedFormat(bytes: Uint8Array, file: string | undefined): AcceptedFormat {
  const sniffed = sniffFormat(bytes);
  if (sniffed.accepted) return sniffed.format;
  throw refusal('IMAGE_FORMAT', 'Not an image of an accepted format', file, {
    expected: 'JPEG, PNG, WebP, TIFF, BMP or AVIF',
    received: sniffed.description,
    ...(sniffed.remedy !== null && { remedy: `convert it first: ${sniffed.remedy}` }),
  });
}

/** Before any decoder runs: the header's reading goes through all that stands beside the picture. */
function refuseUnlessSimple(bytes: Uint8Array, format: AcceptedFormat, file: string | undefined): void {
  const scans = format === 'jpeg' ? countScans(bytes, MAXIMUM_SCANS) : 0;
  if (scans > MAXIMUM_SCANS) {
    throw refusal('IMAGE_TOO_MANY_SCANS', 'The image is made to take long to decode', file, {
      expected: `at most ${MAXIMUM_SCANS} scans`,
      received: 'more',
      remedy: 'save the image again as a baseline JPEG',
    });
  }
  const excess = excessOf(bytes, format);
  if (excess === null) return;
  throw refusal('IMAGE_TOO_COMPLEX', 'What the file holds beside its picture takes too long to read', file, {
    ...excess,
    remedy: 'save the image again without its metadata',
  });
}

/** Reads only the header, so that nothing large is allocated for an image that is refused. */
function refuseUnlessSuitable(
  { width, height, pages = 1, depth, space }: Metadata,
  format: AcceptedFormat,
  bytes: Uint8Array,
  file: string | undefined,
): void {
  refuseUnlessOfSize(width, height, file);
  if (pages > 1 && format === 'tiff') {
    throw refusal('IMAGE_MULTIPAGE', 'The file holds several images', file, {
      expected: 'one image per file',
      received: `${pages} pages`,
      remedy: 'save the page to be read as a file of its own',
    });
  }
  if (pages > 1 || (format === 'png' && isAnimatedPng(bytes))) {
    throw refusal('IMAGE_ANIMATED', 'The image is animated', file, {
      expected: 'a still image',
      remedy: 'save the frame to be read as a file of its own',
    });
  }
  if (!DEPTHS.includes(depth) || !COLOUR_SPACES.includes(space)) {
    throw refusal('IMAGE_COLOUR', 'The image has no colours that can be brought to 8-bit sRGB', file, {
      expected: 'RGB, grey or CMYK with 8 or 16 bits',
      received: `${space} of ${depth}`,
    });
  }
}

function refuseUnlessOfSize(width: number, height: number, file: string | undefined): void {
  if (width > MAXIMUM_DIMENSION || height > MAXIMUM_DIMENSION || width * height > MAXIMUM_PIXELS) {
    throw refusal('IMAGE_TOO_LARGE', 'The image has too many pixels', file, {
      expected: `at most ${MAXIMUM_PIXELS / 1e6} million, and ${MAXIMUM_DIMENSION} on a side`,
      received: `${width}×${height}`,
    });
  }
}

async function decodePixels(bytes: Uint8Array): Promise<RgbFrame> {
  const { data, info } = await sharp(bytes, { failOn: 'warning', limitInputPixels: MAXIMUM_PIXELS })
    .timeout({ seconds: MAXIMUM_DECODE_SECONDS })
    .autoOrient()
    .flatten({ background: 'black' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`the decoder made ${info.channels} channels`);
  return { rgb: data, width: info.width, height: info.height };
}

function decodingRefusal(cause: unknown, file: string | undefined): RefusedError {
  const reason = decoderWords(cause);
  if (cause instanceof DeadlineError || /timeout/i.test(reason)) {
    return refusal('IMAGE_TIMEOUT', 'Decoding the image takes too long', file, {
      expected: `at most ${MAXIMUM_DECODE_SECONDS} s`,
      received: reason,
      remedy: 'save the image again as a baseline JPEG',
      cause,
    });
  }
  return refusal('IMAGE_DAMAGED', 'The image does not decode completely', file, {
    received: reason,
    remedy: 'take or copy the image again',
    cause,
  });
}

/** The decoder's words on one line, each said once. */
function decoderWords(cause: unknown): string {
  const words = reasonOf(cause)
    .split('\n')
    .map((line) => line.replace(/^(?:VipsJpeg|vipspng|webp|tiff2vips): /, '').replace(/[\s:]+$/, ''))
    .filter((line) => line !== '');
  return [...new Set(words)].join('; ');
}
