import type { RgbFrame } from '../../frame.ts';

/** A frame turned about its middle, of the same size; bilinear, and mirrored where it shows what lies beyond the frame. */
export function rotated({ rgb, width, height }: RgbFrame, radians: number): RgbFrame {
  const [cosine, sine] = [Math.cos(radians), Math.sin(radians)];
  const turned = new Uint8Array(rgb.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [across, down] = [column - (width - 1) / 2, row - (height - 1) / 2];
      const x = cosine * across + sine * down + (width - 1) / 2;
      const y = cosine * down - sine * across + (height - 1) / 2;
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const [right, below] = [x - left, y - top];
      const columns = [mirrored(left, width), mirrored(left + 1, width)];
      const rows = [mirrored(top, height), mirrored(top + 1, height)];
      for (let c = 0; c < 3; c++) {
        const at = (i: number, j: number) => rgb[3 * (rows[j] * width + columns[i]) + c];
        const upper = at(0, 0) + (at(1, 0) - at(0, 0)) * right;
        const lower = at(0, 1) + (at(1, 1) - at(0, 1)) * right;
        turned[3 * (row * width + column) + c] = Math.round(upper + (lower - upper) * below);
      }
    }
  }
  return { rgb: turned, width, height };
}

function mirrored(index: number, length: number): number {
  const place = ((index % (2 * length)) + 2 * length) % (2 * length);
  return place < length ? place : 2 * length - 1 - place;
}
