/** A dark, ragged ellipse on textured skin: enough of a dermoscopy frame to pass the integrity check. */
import sharp, { type Sharp } from 'sharp';
import type { RgbFrame } from '../../src/frame.ts';

/** uint8 RGB; the same size gives the same pixels. `centre` in shares of width and height. */
export function drawnLesion(
  width: number,
  height: number,
  centre: readonly [number, number] = [0.5, 0.5],
): RgbFrame {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const radius = Math.hypot((x / width - centre[0]) * 4, (y / height - centre[1]) * 3.2);
      const inside = radius < 1 + 0.15 * Math.sin(9 * Math.atan2(y - height / 2, x - width / 2));
      // A texture of a few pixels' size, so that downsampling leaves edges to focus on.
      const texture = 24 * Math.sin(x / 2.1) * Math.cos(y / 2.7) + (((x * 7919 + y * 104_729) >> 3) % 17);
      const skin = inside ? [110, 70, 55] : [215, 170, 150];
      for (let c = 0; c < 3; c++) {
        rgb[(y * width + x) * 3 + c] = Math.min(250, Math.max(5, skin[c] + texture));
      }
    }
  }
  return { rgb, width, height };
}

/** The drawing as an image to be encoded. */
export function lesionImage(width = 320, height = 240): Sharp {
  return imageOf(drawnLesion(width, height));
}

export function imageOf({ rgb, width, height }: RgbFrame): Sharp {
  return sharp(rgb, { raw: { width, height, channels: 3 } });
}
