import type { Frame, RgbFrame, YuvFrame } from '../frame.ts';

/** Numerators over 2^16 of BT.601, full range: R = Y + 1.402 V, G = Y − 0.344136 U − 0.714136 V, B = Y + 1.772 U. */
const RED_OF_V = 91881;
const GREEN_OF_U = -22554;
const GREEN_OF_V = -46802;
const BLUE_OF_U = 116130;

/**
 * A camera's frame as RGB by the definition, in integers: each chroma sample holds for its 2 × 2 pixels, results are
 * rounded to nearest and clamped. The judge of the native conversion.
 */
export function rgbOfYuv({ yuv420, width, height, stride }: YuvFrame): RgbFrame {
  const rgb = new Uint8ClampedArray(width * height * 3);
  const uPlane = stride * height;
  const vPlane = uPlane + (stride / 2) * (height / 2);
  for (let y = 0, at = 0; y < height; y++) {
    const chromaRow = (y >> 1) * (stride / 2);
    for (let x = 0; x < width; x++) {
      const luminance = yuv420[y * stride + x] * 65536 + 32768;
      const u = yuv420[uPlane + chromaRow + (x >> 1)] - 128;
      const v = yuv420[vPlane + chromaRow + (x >> 1)] - 128;
      rgb[at++] = (luminance + RED_OF_V * v) >> 16;
      rgb[at++] = (luminance + GREEN_OF_U * u + GREEN_OF_V * v) >> 16;
      rgb[at++] = (luminance + BLUE_OF_U * u) >> 16;
    }
  }
  return { rgb: new Uint8Array(rgb.buffer), width, height };
}

/** Any frame as RGB. */
export function rgbFrameOf(frame: Frame): RgbFrame {
  return 'yuv420' in frame ? rgbOfYuv(frame) : frame;
}
