import type { SourceType } from '../source-type.ts';
import { openCamera } from './camera-source.ts';
import { type FrameGeometry, geometryOf } from './geometry.ts';
import type { CameraProgram } from './program.ts';
import { rawReader } from './raw-reader.ts';
import type { CameraSettings } from './settings.ts';

/** `libcamera`: a camera of a Raspberry Pi. */
export const libcameraType: SourceType = {
  kind: 'libcamera',
  place: null,
  async open(_, options) {
    const { number } = options.camera;
    const name = `${number === undefined ? 'the camera' : `camera ${number}`} of this Raspberry Pi`;
    return openCamera({ kind: 'libcamera', name, programs: libcameraPrograms(options.camera) }, options);
  },
};

/**
 * `rpicam-vid`, or `libcamera-vid` as it was called before 2024. Asked for YUV 4:2:0 they write full-range BT.601, as in
 * JPEG.
 * @throws UsageError `CAMERA_SIZE`
 */
export function libcameraPrograms(settings: CameraSettings): CameraProgram[] {
  const { width, height, rate, stride, number, lens, exposure, rotation } = settings;
  const geometry: FrameGeometry = geometryOf(width, height, stride);
  const options = [
    ...['--codec', 'yuv420', '--timeout', '0', '--nopreview', '--flush', '--output', '-'],
    ...['--width', `${width}`, '--height', `${height}`, '--framerate', `${rate}`],
    ...(number === undefined ? [] : ['--camera', `${number}`]),
    ...(lens === undefined ? [] : ['--autofocus-mode', 'manual', '--lens-position', `${lens}`]),
    ...(exposure === undefined ? [] : ['--shutter', `${exposure}`]),
    ...(rotation === undefined ? [] : ['--rotation', `${rotation}`]),
  ];
  return ['rpicam-vid', 'libcamera-vid'].map((command) => ({
    command,
    arguments: options,
    reader: rawReader(geometry),
  }));
}
