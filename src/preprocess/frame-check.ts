/** What the native addon checks of its arguments, for where it is not there: the same codes, the same bounds. */
import { RefusedError } from '../errors.ts';
import type { Frame, Square } from '../frame.ts';

const MAXIMUM_EXTENT = 2 ** 24;
/** Of the shorter side, and of a result's side. */
const MAXIMUM_SIDE = 16384;

/** Width, height and stride. @throws RefusedError `FRAME_SIZE` */
export function refuseUnlessSized(frame: Frame): void {
  const { width, height } = frame;
  refuseUnlessInteger('FRAME_SIZE', 'width', width, 1, MAXIMUM_EXTENT);
  refuseUnlessInteger('FRAME_SIZE', 'height', height, 1, MAXIMUM_EXTENT);
  refuseUnlessInteger('FRAME_SIZE', 'shorter side', Math.min(width, height), 1, MAXIMUM_SIDE);
  if (!('yuv420' in frame)) return;
  refuseUnlessInteger('FRAME_SIZE', 'stride', frame.stride, width, MAXIMUM_EXTENT);
  for (const field of ['width', 'height', 'stride'] as const) refuseUnlessEven(field, frame[field]);
}

/** The bytes of a frame whose sizes are right. @throws RefusedError `FRAME_SIZE` */
export function refuseUnlessFilled(frame: Frame): void {
  const { width, height } = frame;
  const isYuv = 'yuv420' in frame;
  const bytes: unknown = isYuv ? frame.yuv420 : frame.rgb;
  const expected = isYuv ? (frame.stride * height * 3) / 2 : width * height * 3;
  if (!(bytes instanceof Uint8Array) || bytes.length !== expected) {
    throw new RefusedError('FRAME_SIZE', 'The bytes are no frame of that size', {
      expected: `${expected} bytes`,
      received: bytes instanceof Uint8Array ? `${bytes.length}` : 'no Uint8Array',
    });
  }
}

/** @throws RefusedError `CROP`, `RESAMPLE_SIZE` */
export function refuseUnlessWithin({ width, height }: Frame, { x, y, side }: Square, size: number): void {
  refuseUnlessInteger('CROP', 'side', side, 1, Math.min(width, height));
  refuseUnlessInteger('CROP', 'x', x, 0, width - side);
  refuseUnlessInteger('CROP', 'y', y, 0, height - side);
  refuseUnlessInteger('RESAMPLE_SIZE', 'size', size, 1, MAXIMUM_SIDE);
}

function refuseUnlessInteger(code: string, field: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new RefusedError(code, 'A size or place in a frame is off', {
    field,
    expected: `an integer in ${least}…${most}`,
    received: `${value}`,
  });
}

function refuseUnlessEven(field: string, value: number): void {
  if (value % 2 === 0) return;
  throw new RefusedError('FRAME_SIZE', 'A size of a YUV 4:2:0 frame is odd', { field, received: `${value}` });
}
