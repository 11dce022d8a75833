import { UsageError } from '../../errors.ts';
import type { SourceType } from '../source-type.ts';
import { openCamera } from './camera-source.ts';
import { type CameraProgram, ffmpegProgram, gstreamerProgram } from './program.ts';
import type { CameraSettings } from './settings.ts';

/** `v4l2:DEV`: a USB camera, or any other with a node below /dev. */
export const v4l2Type: SourceType = {
  kind: 'v4l2',
  place: 'DEV',
  async open(device, options) {
    const programs = v4l2Programs(device, options.camera);
    return openCamera({ kind: 'v4l2', name: `camera ${device}`, programs, device }, options);
  },
};

/**
 * A V4L2 or USB camera through ffmpeg, else GStreamer.
 * @param device a path below /dev
 * @throws UsageError `CAMERA_DEVICE`, `CAMERA_OPTION`
 */
export function v4l2Programs(device: string, settings: CameraSettings): CameraProgram[] {
  refuseUnlessDevice(device);
  refuseUnlessOffered(settings);
  const { width, height, rate } = settings;
  const size = `${width}x${height}`;
  return [
    ffmpegProgram(['-f', 'v4l2', '-framerate', `${rate}`, '-video_size', size, '-i', device], settings),
    gstreamerProgram(['v4l2src', `device=${device}`], settings),
  ];
}

function refuseUnlessDevice(device: string): void {
  // GStreamer joins its arguments into one line and parses that again, so a device must not hold anything it reads as its
  // own.
  if (!/^\/dev\/[\w./:-]+$/.test(device) || device.includes('..')) {
    throw new UsageError('CAMERA_DEVICE', 'Not the path of a video device', {
      field: '--source',
      expected: 'v4l2:/dev/video0, or a path below /dev/v4l/by-id',
      received: `v4l2:${device}`,
    });
  }
}

/** Focus and exposure are the camera's own matter here. */
function refuseUnlessOffered({ number, lens, exposure }: CameraSettings): void {
  const given = { 'camera-number': number, 'camera-lens': lens, 'camera-exposure': exposure };
  const [name] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  throw new UsageError('CAMERA_OPTION', 'This setting is for a camera of a Raspberry Pi', {
    field: `--${name}`,
    expected: 'source libcamera',
    received: 'source v4l2',
    remedy: 'leave it out; `v4l2-ctl` sets what such a camera offers',
  });
}
