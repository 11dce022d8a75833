import { SpikescopeError } from '../errors.ts';
import type { Frame } from '../frame.ts';
import type { Preprocessing } from '../model/bundle/contract.ts';
import { addonOrFault, fromNative, type QualitySums } from '../native/addon.ts';
import { qualitySumsReference } from './quality-reference.ts';

/** What the integrity check measured (specification §1.1). */
export interface Quality {
  readonly shortSide: number;
  /** Largest share of pixels at 0 or at 255 in any channel, 0…1. */
  readonly clippedShare: number;
  /** Standard deviation of luminance on the working square, 0…127.5. */
  readonly contrast: number;
  /** Variance of the Laplacian of luminance on the working square. */
  readonly focus: number;
}

/** Why a capture must be retaken. Stable words: receivers show or translate them. */
export type RetakeReason = 'too-small' | 'flat' | 'clipped' | 'out-of-focus';

/** Side of the square on which luminance and focus are measured, pixels (see `QualitySums`). */
const WORKING_SIDE = 128;

/**
 * Limits of the integrity check. The short side is the specification's (§1.1); the others are chosen on HAM10000's
 * training images so that real frames pass and flat, overexposed and blurred ones do not: docs/design/preprocessing.md.
 */
export const DEFAULT_QUALITY: Preprocessing['quality'] = {
  minimumSide: 150,
  maximumClippedShare: 0.5,
  minimumContrast: 4,
  minimumFocus: 7,
};

/**
 * Measures a frame for the integrity check (specification §1.1).
 * @throws RefusedError `FRAME_SIZE`
 */
export function measureQuality(frame: Frame): Quality {
  return qualityOf(qualitySumsOf(frame), frame.width, frame.height);
}

function qualitySumsOf(frame: Frame): QualitySums {
  const addon = addonOrFault();
  if (addon instanceof SpikescopeError) return qualitySumsReference(frame);
  try {
    return addon.measureQuality(frame);
  } catch (error) {
    throw fromNative(error);
  }
}

/** What exact sums say about an image of this size. */
export function qualityOf(sums: QualitySums, width: number, height: number): Quality {
  const working = WORKING_SIDE * WORKING_SIDE;
  const inner = (WORKING_SIDE - 2) * (WORKING_SIDE - 2);
  return {
    shortSide: Math.min(width, height),
    clippedShare: Math.max(...sums.lowClip, ...sums.highClip) / (width * height),
    contrast: Math.sqrt(variance(sums.luminanceSum, sums.luminanceSquares, working)),
    focus: variance(sums.laplacianSum, sums.laplacianSquares, inner),
  };
}

/** Population variance; numerator and denominator are exact. */
function variance(sum: number, squares: number, n: number): number {
  return (n * squares - sum * sum) / (n * n);
}

/** Why a capture must be taken again; empty when it is fit to be read. */
export function retakeReasons(quality: Quality, limits: Preprocessing['quality']): RetakeReason[] {
  const failed: readonly (readonly [RetakeReason, boolean])[] = [
    ['too-small', quality.shortSide < limits.minimumSide],
    ['flat', quality.contrast < limits.minimumContrast],
    ['clipped', quality.clippedShare > limits.maximumClippedShare],
    ['out-of-focus', quality.focus < limits.minimumFocus],
  ];
  return failed.filter(([, fails]) => fails).map(([reason]) => reason);
}
