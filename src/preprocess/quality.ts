import { SpikescopeError } from '../errors.ts';
import type { Frame, Square } from '../frame.ts';
import type { Preprocessing } from '../model/bundle/contract.ts';
import { addonOrFault, fromNative, type QualitySums } from '../native/addon.ts';
import { constantBandOf } from './bands.ts';
import { type Exposure, exposureOf } from './exposure.ts';
import { fieldOf } from './field.ts';
import { focusBeyondNoise, noiseOf, WORKING_SIDE } from './noise.ts';
import { qualitySumsReference } from './quality-reference.ts';

/** What the integrity check measured (specification §1.1) of what is read of a frame. */
export interface Quality extends Exposure {
  /** Of the square that is read, pixels. */
  readonly shortSide: number;
  /** Largest share of pixels at 0 or at 255 in any channel, 0…1. */
  readonly clippedShare: number;
  /** Standard deviation of luminance on the working square, 0…127.5. */
  readonly contrast: number;
  /** Variance of the Laplacian of luminance on the working square. */
  readonly focus: number;
  /** Standard deviation of noise in luminance on the working square, grey levels. */
  readonly noise: number;
  /** Longest run of rows or columns of one colour, as a share of the working square's side, 0…1. */
  readonly constantBand: number;
}

/** Why a capture must be retaken. Stable words: receivers show or translate them. */
export type RetakeReason = 'too-small' | 'flat' | 'clipped' | 'out-of-focus' | 'dark' | 'bright' | 'torn';

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
 * Limits that hold for every bundle: what no camera of any sort should deliver. Each is chosen so that at most one of
 * 6,967 training images fails: docs/design/preprocessing.md.
 */
const FRAME_LIMITS = {
  /** Of the bundle's limit of focus, what must be left once noise is taken off. */
  focusBeyondNoise: 4 / 7,
  /** A quarter of full brightness, and noise on top. */
  leastHighlight: 68,
  mostSaturatedShare: 0.45,
  /** Three rows of 128: a row of JPEG blocks in a frame of 640×480. */
  mostConstantBand: 2 / 128,
};

/**
 * Measures a frame for the integrity check (specification §1.1).
 * @param field of the frame, where it is known already
 * @throws RefusedError `FRAME_SIZE`
 */
export function measureQuality(frame: Frame, { square, checked } = fieldOf(frame)): Quality {
  return qualityOf(qualitySumsOf(frame, checked), square.side, checked.side);
}

function qualitySumsOf(frame: Frame, square: Square): QualitySums {
  const addon = addonOrFault();
  if (addon instanceof SpikescopeError) return qualitySumsReference(frame, square);
  try {
    return addon.measureQuality(frame, square);
  } catch (error) {
    throw fromNative(error);
  }
}

/**
 * What exact sums say about a frame.
 * @param shortSide of the square that is read, @param side of the square that was summed, pixels
 */
export function qualityOf(sums: QualitySums, shortSide: number, side: number): Quality {
  const pixels = WORKING_SIDE * WORKING_SIDE;
  const inner = (WORKING_SIDE - 2) * (WORKING_SIDE - 2);
  return {
    shortSide,
    clippedShare: Math.max(...sums.lowClip, ...sums.highClip) / (side * side),
    contrast: Math.sqrt(variance(sums.luminanceSum, sums.luminanceSquares, pixels)),
    focus: variance(sums.laplacianSum, sums.laplacianSquares, inner),
    noise: noiseOf(luminanceOf(sums.working)),
    constantBand: constantBandOf(sums.working),
    ...exposureOf(sums.working),
  };
}

/** As `QualitySums` has it. */
function luminanceOf(rgb: Uint8Array): Uint8Array {
  const luminance = new Uint8Array(rgb.length / 3);
  for (let i = 0, at = 0; i < luminance.length; i++, at += 3) {
    luminance[i] = (77 * rgb[at] + 150 * rgb[at + 1] + 29 * rgb[at + 2] + 128) >> 8;
  }
  return luminance;
}

/** Population variance; numerator and denominator are exact. */
function variance(sum: number, squares: number, n: number): number {
  return (n * squares - sum * sum) / (n * n);
}

/** Why a capture must be taken again; empty when it is fit to be read. */
export function retakeReasons(quality: Quality, limits: Preprocessing['quality']): RetakeReason[] {
  const isFlat = quality.contrast < limits.minimumContrast;
  const isBlurred = isOutOfFocus(quality, limits);
  const failed: readonly (readonly [RetakeReason, boolean])[] = [
    ['too-small', quality.shortSide < limits.minimumSide],
    ['flat', isFlat],
    ['clipped', quality.clippedShare > limits.maximumClippedShare],
    ['dark', quality.highlight < FRAME_LIMITS.leastHighlight],
    ['bright', quality.saturatedShare > FRAME_LIMITS.mostSaturatedShare],
    // Where nothing is sharp whole rows may look alike.
    ['torn', !isFlat && !isBlurred && isTorn(quality)],
    ['out-of-focus', isBlurred],
  ];
  return failed.filter(([, fails]) => fails).map(([reason]) => reason);
}

/** Sharpness as a share of what a capture needs: from 1 on it is in focus. */
export function focusShareOf({ focus, noise }: Quality, { minimumFocus }: Preprocessing['quality']): number {
  const beyond = focusBeyondNoise(focus, noise) / FRAME_LIMITS.focusBeyondNoise;
  return Math.min(focus, beyond) / minimumFocus;
}

/** The more the sharper, among frames of one scene; 0 for one that is torn, whose seams look sharp. */
export function sharpnessOf(frame: Frame): number {
  const quality = measureQuality(frame);
  return isTorn(quality) ? 0 : focusBeyondNoise(quality.focus, quality.noise);
}

function isTorn({ constantBand }: Quality): boolean {
  return constantBand > FRAME_LIMITS.mostConstantBand;
}

function isOutOfFocus({ focus, noise }: Quality, { minimumFocus }: Preprocessing['quality']): boolean {
  return (
    focus < minimumFocus || focusBeyondNoise(focus, noise) < minimumFocus * FRAME_LIMITS.focusBeyondNoise
  );
}
