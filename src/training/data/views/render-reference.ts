/** Views by their definition, pixel by pixel in double precision: the judge of the native version, and its stand-in. */

import { labOf, rgbOf, type Triple } from '../../../colour.ts';
import type { RgbFrame } from '../../../frame.ts';
import { centredSquare } from '../../../preprocess/square.ts';
import { blurred } from './blur.ts';
import { withField } from './field.ts';
import { throughJpeg } from './jpeg.ts';
import { withNoise } from './noise.ts';
import { withDrawings } from './strokes.ts';
import type { Rectangle, Transform, View } from './view.ts';

/** A view of a frame: float32 RGB in [0, 1], size × size × 3. */
export function renderReference(frame: RgbFrame, view: View, size: number): Float32Array {
  const skin = resampled(exposed(frame, view), view.transform, size);
  const lit = adjusted(withDrawings(skin, view.drawings, size), view);
  const seen = view.field === null ? lit : withField(lit, view.field, size);
  const colours = view.blur === 0 ? seen : blurred(seen, view.blur, size);
  return Float32Array.from(erased(colours, view.erased, size).flat());
}

/** The frame as sensor and file give it. */
function exposed(frame: RgbFrame, { noise, jpeg }: View): RgbFrame {
  const noisy = noise === null ? frame : withNoise(frame, noise);
  return jpeg === null ? noisy : throughJpeg(noisy, jpeg);
}

/**
 * Each output pixel is the mean of a box of the frame around the point that it shows. The box has the variance, along
 * each axis, of the parallelogram that the output pixel covers; so it is that pixel's area for the identity, flips,
 * scaling and quarter turns (area resampling), and keeps its size when turned.
 */
function resampled(frame: RgbFrame, { xu, xv, x, yu, yv, y }: Transform, size: number): Triple[] {
  const square = centredSquare(frame.width, frame.height);
  const width = (square.side / size) * Math.hypot(xu, xv);
  const height = (square.side / size) * Math.hypot(yu, yv);
  return Array.from({ length: size * size }, (_, at) => {
    const u = ((at % size) + 0.5) / size - 0.5;
    const v = (Math.floor(at / size) + 0.5) / size - 0.5;
    const centreX = square.x + square.side * (0.5 + xu * u + xv * v + x);
    const centreY = square.y + square.side * (0.5 + yu * u + yv * v + y);
    return boxMean(frame, overlapsOf(centreX, width, frame.width), overlapsOf(centreY, height, frame.height));
  });
}

interface Overlap {
  readonly pixel: number;
  readonly weight: number;
}

/** Which pixels of an axis a span covers, and how much of the span lies in each; both ends of the axis are mirrors. */
function overlapsOf(centre: number, width: number, length: number): Overlap[] {
  const [start, end] = [centre - width / 2, centre + width / 2];
  const overlaps: Overlap[] = [];
  for (let pixel = Math.floor(start); pixel < end; pixel++) {
    const place = (((pixel % (2 * length)) + 2 * length) % (2 * length)) | 0;
    overlaps.push({
      pixel: place < length ? place : 2 * length - 1 - place,
      weight: (Math.min(end, pixel + 1) - Math.max(start, pixel)) / width,
    });
  }
  return overlaps;
}

function boxMean({ rgb, width }: RgbFrame, columns: readonly Overlap[], rows: readonly Overlap[]): Triple {
  let [red, green, blue] = [0, 0, 0];
  for (const row of rows) {
    for (const column of columns) {
      const weight = row.weight * column.weight;
      const at = 3 * (row.pixel * width + column.pixel);
      red += weight * rgb[at];
      green += weight * rgb[at + 1];
      blue += weight * rgb[at + 2];
    }
  }
  return [red / 255, green / 255, blue / 255];
}

/** Gains, then luminance and contrast on L* alone. */
function adjusted(colours: readonly Triple[], { gains, factor, gamma, contrast }: View): readonly Triple[] {
  if (factor === 1 && gamma === 1 && contrast === 1 && gains.every((gain) => gain === 1)) return colours;
  const share = (value: number) => Math.min(1, Math.max(0, value));
  const lab = colours.map(([red, green, blue]) =>
    labOf([share(red * gains[0]), share(green * gains[1]), share(blue * gains[2])]),
  );
  const lightness = lab.map(([l]) => share(factor * share(l / 100) ** gamma));
  const mean = lightness.reduce((sum, value) => sum + value, 0) / lightness.length;
  return lab.map(([, a, b], i) => rgbOf([100 * share(mean + contrast * (lightness[i] - mean)), a, b]));
}

function erased(colours: readonly Triple[], rectangle: Rectangle | null, size: number): readonly Triple[] {
  if (rectangle === null) return colours;
  const { left, top, right, bottom } = rectangle;
  const mean = [0, 1, 2].map((c) => colours.reduce((sum, colour) => sum + colour[c], 0) / colours.length);
  const fill: Triple = [mean[0], mean[1], mean[2]];
  return colours.map((colour, at) => {
    const u = ((at % size) + 0.5) / size;
    const v = (Math.floor(at / size) + 0.5) / size;
    return u >= left && u < right && v >= top && v < bottom ? fill : colour;
  });
}
