/** Frames made smaller for people to look at: quick, and not what the network reads. */
import type { Frame, RgbFrame, YuvFrame } from '../frame.ts';

/** By how much a frame is reduced so that its longer side has at most so many pixels: a whole number. */
export function reductionOf({ width, height }: Frame, longest: number): number {
  return Math.max(1, Math.ceil(Math.max(width, height) / longest));
}

/** Pixels that a reduced frame has along both sides. */
export function reducedSize({ width, height }: Frame, factor: number): { width: number; height: number } {
  return { width: Math.max(1, Math.floor(width / factor)), height: Math.max(1, Math.floor(height / factor)) };
}

/**
 * A frame with each square cell of `factor` pixels as one pixel: the mean of four of its pixels, which is all of them where
 * the factor is two.
 * @param into where the pixels go: at least 3 bytes for each; a new array by default
 */
export function reduced(frame: Frame, factor: number, into?: Uint8ClampedArray): RgbFrame {
  const size = reducedSize(frame, factor);
  const bytes = 3 * size.width * size.height;
  const pixels = into === undefined ? new Uint8ClampedArray(bytes) : into.subarray(0, bytes);
  if ('yuv420' in frame) reduceYuv(frame, factor, size, pixels);
  else reduceRgb(frame, factor, size, pixels);
  return { rgb: new Uint8Array(pixels.buffer, pixels.byteOffset, bytes), ...size };
}

/** Of a cell's four pixels, where the second of a row and the second row lie. */
function stepOf(factor: number): number {
  return factor >> 1;
}

/** As in JPEG: BT.601, full range, in sixteenths of bits. */
const RED_OF_V = 91881;
const GREEN_OF_U = -22554;
const GREEN_OF_V = -46802;
const BLUE_OF_U = 116130;
const HALF = 32768;

function reduceYuv(
  { yuv420, width, height, stride }: YuvFrame,
  factor: number,
  size: { width: number; height: number },
  out: Uint8ClampedArray,
): void {
  const step = stepOf(factor);
  const halfStride = stride >> 1;
  const u = stride * height;
  const v = u + halfStride * (height >> 1);
  const lastChroma = (width >> 1) - 1;
  for (let row = 0, at = 0; row < size.height; row++) {
    const top = row * factor * stride;
    const below = top + step * stride;
    const chromaRow = ((row * factor + step) >> 1) * halfStride;
    for (let column = 0; column < size.width; column++, at += 3) {
      const left = column * factor;
      const right = left + step;
      const sum = yuv420[top + left] + yuv420[top + right] + yuv420[below + left] + yuv420[below + right];
      const chroma = chromaRow + Math.min(lastChroma, right >> 1);
      const red = yuv420[v + chroma] - 128;
      const blue = yuv420[u + chroma] - 128;
      const luminance = (sum << 14) + HALF;
      out[at] = (luminance + RED_OF_V * red) >> 16;
      out[at + 1] = (luminance + GREEN_OF_U * blue + GREEN_OF_V * red) >> 16;
      out[at + 2] = (luminance + BLUE_OF_U * blue) >> 16;
    }
  }
}

function reduceRgb(
  { rgb, width }: RgbFrame,
  factor: number,
  size: { width: number; height: number },
  out: Uint8ClampedArray,
): void {
  const step = stepOf(factor);
  for (let row = 0, at = 0; row < size.height; row++) {
    const top = row * factor * width;
    const below = top + step * width;
    for (let column = 0; column < size.width; column++) {
      const left = column * factor;
      const places = [top + left, top + left + step, below + left, below + left + step];
      for (let channel = 0; channel < 3; channel++, at++) {
        let sum = 2;
        for (const place of places) sum += rgb[3 * place + channel];
        out[at] = sum >> 2;
      }
    }
  }
}
