/** What a dermoscope with a black surround makes of a photograph, and what a decoder leaves of a torn one. */
import type { RgbFrame } from '../../src/frame.ts';

export interface RoundFieldOptions {
  readonly width: number;
  readonly height: number;
  /** Of the field, as a share of the height. */
  readonly diameter: number;
  /** Of the field's centre from the frame's, as shares of the height. */
  readonly offset?: readonly [x: number, y: number];
  /** Share of the radius over which light falls off to black. */
  readonly vignette?: number;
}

/** Draws `photo`, a square as wide as the field, into a lit disc on black. */
export function roundFieldOf(photo: RgbFrame, options: RoundFieldOptions): RgbFrame {
  const { width, height, offset = [0, 0], vignette = 0 } = options;
  const radius = (options.diameter * height) / 2;
  const [centreX, centreY] = [width / 2 + offset[0] * height, height / 2 + offset[1] * height];
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x + 0.5 - centreX, y + 0.5 - centreY];
      const inwards = radius - Math.hypot(dx, dy);
      if (inwards <= 0) continue;
      const light = vignette === 0 ? 1 : Math.min(1, inwards / (vignette * radius));
      const place = (distance: number, extent: number) =>
        Math.min(extent - 1, Math.max(0, Math.floor((distance / radius + 1) * (extent / 2))));
      const from = 3 * (place(dy, photo.height) * photo.width + place(dx, photo.width));
      for (let c = 0; c < 3; c++) rgb[3 * (y * width + x) + c] = light * photo.rgb[from + c];
    }
  }
  return { rgb, width, height };
}

/** The frame with one grey from a row on, as where the rest of a JPEG was lost. */
export function tornAt({ rgb, width, height }: RgbFrame, row: number): RgbFrame {
  return { rgb: Uint8Array.from(rgb).fill(128, row * width * 3), width, height };
}
