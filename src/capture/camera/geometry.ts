import { UsageError } from '../../errors.ts';

/** How the frames of a camera lie in its stream: planar YUV 4:2:0, 8 bit, rows of `stride` bytes. */
export interface FrameGeometry {
  readonly width: number;
  readonly height: number;
  readonly stride: number;
}

/** libcamera pads the rows of YUV 4:2:0 to this many bytes on every Raspberry Pi. */
const ROW_ALIGNMENT = 64;
const MAXIMUM_SIDE = 8192;

/** Bytes of one frame, padding included. */
export function frameBytes({ height, stride }: FrameGeometry): number {
  return (stride * height * 3) / 2;
}

/**
 * The geometry of a size in pixels, even on both sides.
 * @param stride bytes from one row to the next, even; by default the width rounded up to a multiple of 64
 * @throws UsageError `CAMERA_SIZE`
 */
export function geometryOf(width: number, height: number, stride = alignedStride(width)): FrameGeometry {
  const isSide = (value: number) =>
    Number.isInteger(value) && value >= 2 && value <= MAXIMUM_SIDE && value % 2 === 0;
  if (!isSide(width) || !isSide(height) || !Number.isInteger(stride) || stride % 2 !== 0 || stride < width) {
    throw new UsageError('CAMERA_SIZE', 'A camera cannot have frames of this size', {
      expected: `even sides from 2 to ${MAXIMUM_SIDE}, and an even stride of at least the width`,
      received: `${width}×${height}, stride ${stride}`,
      remedy: 'use a size that the sensor offers, for example 1280x960',
    });
  }
  return { width, height, stride };
}

function alignedStride(width: number): number {
  return Math.ceil(width / ROW_ALIGNMENT) * ROW_ALIGNMENT;
}
