import type { RgbFrame, YuvFrame } from '../../src/frame.ts';

/** What a camera would deliver of an image with even sides: full-range BT.601, chroma averaged over 2 × 2 pixels. */
export function yuvOf({ rgb, width, height }: RgbFrame, stride = width): YuvFrame {
  const yuv420 = new Uint8ClampedArray((stride * height * 3) / 2).fill(77);
  const colour = (x: number, y: number) => rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue] = colour(x, y);
      yuv420[y * stride + x] = 0.299 * red + 0.587 * green + 0.114 * blue;
    }
  }
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      const four = [colour(x, y), colour(x + 1, y), colour(x, y + 1), colour(x + 1, y + 1)];
      const [red, green, blue] = [0, 1, 2].map((c) => four.reduce((sum, one) => sum + one[c], 0) / 4);
      const at = stride * height + (y / 2) * (stride / 2) + x / 2;
      yuv420[at] = 128 - 0.168736 * red - 0.331264 * green + 0.5 * blue;
      yuv420[at + (stride / 2) * (height / 2)] = 128 + 0.5 * red - 0.418688 * green - 0.081312 * blue;
    }
  }
  return { yuv420: new Uint8Array(yuv420.buffer), width, height, stride };
}
