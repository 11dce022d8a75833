/** The values that move through the device, one per room (design: data's way). */
import type { ModelIdentity } from '../model/bundle/bundle.ts';
import type { BackendName } from './engine.ts';

/** A square of the source image, pixels from its top left corner. */
export interface Square {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

/** A decoded frame: uint8 RGB, row, column, channel order, upright (orientation applied). */
export interface RgbFrame {
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * A camera's frame: planar YUV 4:2:0, 8 bit, full range, BT.601 as in JPEG. Y: `height` rows of `stride` bytes; then U and
 * V: half as many rows of half as many bytes. Width, height and stride are even; stride ≥ width.
 */
export interface YuvFrame {
  readonly yuv420: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly stride: number;
}

/** Pixels as they came from a file or a camera. */
export type Frame = RgbFrame | YuvFrame;

/** What the integrity check measured (system specification §1.1). */
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

/** Milliseconds spent per stage. */
export interface Timings {
  readonly decode: number;
  readonly quality: number;
  readonly crop: number;
  readonly inference: number;
  readonly readout: number;
  readonly total: number;
}

/** The answer to one capture. */
export interface Reading {
  /** False when the integrity check failed: then `diagnosis` is `retake` and there are no probabilities. */
  readonly accepted: boolean;
  readonly reasons: readonly RetakeReason[];
  /** A class name, `indeterminate` or `retake`. */
  readonly diagnosis: string;
  /** By class name, summing to 1; empty for a retake. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** int32 by class name, after tiling if it took place; empty for a retake. */
  readonly potentials: Readonly<Record<string, number>>;
  readonly tiled: boolean;
  /** The square of the image that was read; null for a retake. */
  readonly crop: Square | null;
  readonly quality: Quality;
  readonly timings: Timings;
  readonly model: ModelIdentity;
  readonly backend: BackendName;
  /** SHA-256 of the learned head that read it, in hexadecimal; absent where the factory's alone did, and for a retake. */
  readonly head?: string;
}
