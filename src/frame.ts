/** Pixels and places in them: what every room of the device means by a frame. */

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
