import sharp from 'sharp';
import type { RgbFrame } from '../../../../frame.ts';

/** Enough to aim and to focus by; nothing is diagnosed from it. Smaller codes would take twice the time. */
const OPTIONS = { quality: 75, optimiseCoding: false } as const;

/** In memory. The pixels must stay as they are until it resolves. */
export function jpegOf({ rgb, width, height }: RgbFrame): Promise<Buffer> {
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg(OPTIONS)
    .toBuffer();
}
