import { UsageError } from '../../errors.ts';
import type { FrameReaderFactory } from './frame-reader.ts';
import { type FrameGeometry, geometryOf } from './geometry.ts';
import { rawReader } from './raw-reader.ts';
import { y4mReader } from './y4m-reader.ts';

/** A program that writes frames to its standard output, with its arguments: never a shell string. */
export interface CameraProgram {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly reader: FrameReaderFactory;
}

export interface CameraSettings {
  readonly width: number;
  readonly height: number;
  /** Frames per second. */
  readonly rate: number;
  /** Bytes from one row to the next of a libcamera stream, where the width rounded up to 64 is wrong. */
  readonly stride?: number;
}

export const DEFAULT_CAMERA: CameraSettings = { width: 1280, height: 960, rate: 15 };

/**
 * The Raspberry Pi's camera: `rpicam-vid`, or `libcamera-vid` as it was called before 2024. Asked for YUV 4:2:0 they
 * write full-range BT.601, as in JPEG.
 * @throws UsageError `CAMERA_SIZE`
 */
export function libcameraPrograms({ width, height, rate, stride }: CameraSettings): CameraProgram[] {
  const geometry: FrameGeometry = geometryOf(width, height, stride);
  const options = [
    ...['--codec', 'yuv420', '--timeout', '0', '--nopreview', '--flush', '--output', '-'],
    ...['--width', `${width}`, '--height', `${height}`, '--framerate', `${rate}`],
  ];
  return ['rpicam-vid', 'libcamera-vid'].map((command) => ({
    command,
    arguments: options,
    reader: rawReader(geometry),
  }));
}

/**
 * A V4L2 or USB camera through ffmpeg, else GStreamer.
 * @param device a path below /dev
 * @throws UsageError `CAMERA_DEVICE`
 */
export function v4l2Programs(device: string, settings: CameraSettings): CameraProgram[] {
  // GStreamer joins its arguments into one line and parses that again, so a device must not hold anything it reads as its own.
  if (!/^\/dev\/[\w./:-]+$/.test(device) || device.includes('..')) {
    throw new UsageError('CAMERA_DEVICE', 'Not the path of a video device', {
      field: '--source',
      expected: 'v4l2:/dev/video0, or a path below /dev/v4l/by-id',
      received: `v4l2:${device}`,
    });
  }
  const { width, height, rate } = settings;
  const size = `${width}x${height}`;
  return [
    ffmpegProgram(['-f', 'v4l2', '-framerate', `${rate}`, '-video_size', size, '-i', device]),
    gstreamerProgram(['v4l2src', `device=${device}`], settings),
  ];
}

/** ffmpeg, from any input, as full-range BT.601 with even sides. */
export function ffmpegProgram(input: readonly string[]): CameraProgram {
  const filter = 'scale=trunc(iw/2)*2:trunc(ih/2)*2:out_range=full:out_color_matrix=bt601,format=yuvj420p';
  return {
    command: 'ffmpeg',
    arguments: [
      ...['-hide_banner', '-loglevel', 'error', '-nostdin', ...input],
      ...['-an', '-vf', filter, '-strict', '-1', '-f', 'yuv4mpegpipe', 'pipe:1'],
    ],
    reader: y4mReader,
  };
}

/** GStreamer, from any source element, as full-range BT.601. */
export function gstreamerProgram(
  source: readonly string[],
  { width, height, rate }: CameraSettings,
): CameraProgram {
  const wanted = `video/x-raw,format=I420,width=${width},height=${height},framerate=${rate}/1,colorimetry=1:4:0:0`;
  const elements = [
    [...source],
    ['videoconvert'],
    ['videoscale'],
    ['videorate'],
    [wanted],
    ['y4menc'],
    ['fdsink', 'fd=1'],
  ];
  return {
    command: 'gst-launch-1.0',
    arguments: ['--quiet', ...elements.flatMap((element, i) => (i === 0 ? element : ['!', ...element]))],
    reader: y4mReader,
  };
}
