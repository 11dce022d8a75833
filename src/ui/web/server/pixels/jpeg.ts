import sharp from 'sharp';
import type { RgbFrame } from '../../../../frame.ts';

/** Enough to aim and to focus by; nothing is diagnosed from it. */
const QUALITY = 75;

/** In memory. The pixels must stay as they are until it resolves. */
export function jpegOf({ rgb, width, height }: RgbFrame): Promise<Buffer> {
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: QUALITY })
    .toBuffer();
}
