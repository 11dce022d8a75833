import { SpikescopeError } from '../errors.ts';
import type { Frame, Square } from '../frame.ts';
import { addonOrFault, fromNative } from '../native/addon.ts';
import { refuseUnlessFilled, refuseUnlessSized, refuseUnlessWithin } from './frame-check.ts';
import { areaResampleReference } from './resample-reference.ts';
import { rgbFrameOf } from './yuv-reference.ts';

/**
 * Area resampling with antialiasing (specification §1.3), exact as `areaResampleReference` defines it, which serves
 * where there is no native addon.
 * @returns uint8 RGB, size × size × 3
 * @throws RefusedError `CROP` when the square leaves the frame, `FRAME_SIZE`, `RESAMPLE_SIZE`
 */
export function areaResample(frame: Frame, square: Square, size: number): Uint8Array {
  const addon = addonOrFault();
  if (addon instanceof SpikescopeError) return areaResampleInScript(frame, square, size);
  try {
    return addon.areaResample(frame, square, size);
  } catch (error) {
    throw fromNative(error);
  }
}

/** The same without the addon. */
export function areaResampleInScript(frame: Frame, square: Square, size: number): Uint8Array {
  refuseUnlessSized(frame);
  refuseUnlessWithin(frame, square, size);
  refuseUnlessFilled(frame);
  return areaResampleReference(rgbFrameOf(frame), square, size);
}
