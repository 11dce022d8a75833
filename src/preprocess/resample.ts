import type { Frame, Square } from '../frame.ts';
import { fromNative, nativeAddon } from '../native/addon.ts';

/**
 * Area resampling with antialiasing (system specification §1.3), exact as `areaResampleReference` defines it.
 * @returns uint8 RGB, size × size × 3
 * @throws RefusedError `CROP` when the square leaves the frame, `FRAME_SIZE`, `RESAMPLE_SIZE`
 */
export function areaResample(frame: Frame, square: Square, size: number): Uint8Array {
  try {
    return nativeAddon().areaResample(frame, square, size);
  } catch (error) {
    throw fromNative(error);
  }
}
