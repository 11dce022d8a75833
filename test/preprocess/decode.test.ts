import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../src/preprocess/decode.ts';
import { isAnimatedPng, sniffFormat } from '../../src/preprocess/format.ts';
import { drawnLesion, imageOf, lesionImage } from '../support/drawn-lesion.ts';
import { exifOrientation, pngChunks, pngOf, withJpegSegment } from '../support/image-surgery.ts';

/** Largest difference between two images' values. */
function distance(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

describe('decoding', () => {
  const drawing = drawnLesion(61, 47);

  it.each([
    ['png', () => imageOf(drawing).png()],
    ['webp', () => imageOf(drawing).webp({ lossless: true })],
    ['tiff', () => imageOf(drawing).tiff({ compression: 'lzw' })],
    ['tiff in tiles', () => imageOf(drawing).tiff({ compression: 'deflate', tile: true })],
    ['interlaced png', () => imageOf(drawing).png({ progressive: true })],
    ['opaque png with alpha', () => imageOf(drawing).ensureAlpha(1).png()],
  ])('gives back every pixel of a lossless %s', async (_, encode) => {
    expect(await decodeImage(await encode().toBuffer())).toMatchObject({
      width: 61,
      height: 47,
      rgb: Buffer.from(drawing.rgb),
    });
  });

  it('gives what a plain decoder gives for a JPEG', async () => {
    const jpeg = await imageOf(drawing).jpeg().toBuffer();
    const frame = await decodeImage(jpeg);
    expect(frame.rgb).toEqual(await sharp(jpeg).raw().toBuffer());
  });

  it('keeps the upper eight of sixteen bits', async () => {
    const wide = Uint16Array.from(drawing.rgb, (value) => value * 257);
    const png = await sharp(wide, { raw: { width: 61, height: 47, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect((await sharp(png).metadata()).depth).toBe('ushort');
    expect((await decodeImage(png)).rgb).toEqual(Buffer.from(drawing.rgb));
  });

  it('gives grey three equal channels', async () => {
    const { rgb } = await decodeImage(await imageOf(drawing).greyscale().png().toBuffer());
    expect(rgb.length).toBe(61 * 47 * 3);
    for (let i = 0; i < rgb.length; i += 3) {
      expect(rgb[i + 1]).toBe(rgb[i]);
      expect(rgb[i + 2]).toBe(rgb[i]);
    }
  });

  it('shows transparency on black', async () => {
    const { rgb } = await decodeImage(await imageOf(drawing).ensureAlpha(0).png().toBuffer());
    expect(rgb.every((value) => value === 0)).toBe(true);
  });

  it('brings CMYK back to about the colours it was made from', async () => {
    const patch = sharp({ create: { width: 40, height: 40, channels: 3, background: '#b48270' } });
    const cmyk = await patch
      .toColourspace('cmyk')
      .withIccProfile('cmyk')
      .tiff({ compression: 'lzw' })
      .toBuffer();
    expect((await sharp(cmyk).metadata()).space).toBe('cmyk');
    const { rgb } = await decodeImage(cmyk);
    expect(distance(rgb.subarray(0, 3), Uint8Array.of(0xb4, 0x82, 0x70))).toBeLessThanOrEqual(16);
  });

  it.each([
    [1, (row: number, column: number) => [row, column]],
    [2, (row: number, column: number) => [row, 60 - column]],
    [3, (row: number, column: number) => [46 - row, 60 - column]],
    [4, (row: number, column: number) => [46 - row, column]],
    [5, (row: number, column: number) => [column, row]],
    [6, (row: number, column: number) => [column, 60 - row]],
    [7, (row: number, column: number) => [46 - column, 60 - row]],
    [8, (row: number, column: number) => [46 - column, row]],
  ] as const)('turns EXIF orientation %i upright', async (orientation, placeOf) => {
    const [width, height] = orientation < 5 ? [61, 47] : [47, 61];
    const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
      const pixel = Math.floor(i / 3);
      const [row, column] = placeOf(Math.floor(pixel / width), pixel % width);
      return drawing.rgb[(row * 61 + column) * 3 + (i % 3)];
    });
    const jpeg = await imageOf({ rgb, width, height })
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer();
    const frame = await decodeImage(withJpegSegment(jpeg, 0xe1, exifOrientation(orientation)));
    expect([frame.width, frame.height]).toEqual([61, 47]);
    expect(distance(frame.rgb, drawing.rgb)).toBeLessThanOrEqual(6);
  });

  it('names file, expectation and what came when it refuses', async () => {
    await expect(decodeImage('package.json')).rejects.toMatchObject({
      code: 'IMAGE_FORMAT',
      details: {
        file: 'package.json',
        expected: 'JPEG, PNG, WebP, TIFF, BMP or AVIF',
        received: 'a text file',
      },
    });
  });
});

describe('sniffing', () => {
  it('never reads beyond the bytes it has', () => {
    for (let length = 0; length < 16; length++) {
      expect(sniffFormat(Buffer.alloc(length, 0x52)).accepted).toBe(false);
    }
  });

  it('tells an animated PNG by its control chunk, wherever the damage is', async () => {
    const png = await lesionImage().png().toBuffer();
    expect(isAnimatedPng(png)).toBe(false);
    const [header, ...rest] = pngChunks(png);
    const animated = pngOf([header, { type: 'acTL', data: Buffer.alloc(8) }, ...rest]);
    expect(isAnimatedPng(animated)).toBe(true);
    for (let length = 8; length < 60; length++) isAnimatedPng(animated.subarray(0, length));
  });
});
