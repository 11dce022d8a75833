/** Debian's Chromium, without a window. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import sharp from 'sharp';
import { PhantomPainter } from '../../../../src/capture/phantom/draw.ts';

export const PROGRAM = '/usr/bin/chromium';
export const hasChromium = existsSync(PROGRAM);

/** @param options of the program, beside those that it always has */
export function openBrowser(...options: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: PROGRAM, args: ['--no-sandbox', '--disable-gpu', ...options] });
}

/** Sizes of the displays that the page is made for. */
export const SIZES = [
  { width: 480, height: 800 },
  { width: 720, height: 1280 },
  { width: 800, height: 480 },
  { width: 1280, height: 800 },
] as const;
export type Size = (typeof SIZES)[number];

/** Drawn lesions as JPEG, 600×450. */
export async function phantomPictures(count: number, first = 11): Promise<Buffer[]> {
  const painter = new PhantomPainter();
  const pictures: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const { rgb, width, height } = painter.draw(first + i).frame;
    pictures.push(
      await sharp(rgb, { raw: { width, height, channels: 3 } })
        .jpeg({ quality: 85 })
        .toBuffer(),
    );
  }
  return pictures;
}
