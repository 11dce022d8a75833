import type { FrameReaderFactory } from './frame-reader.ts';
import type { CameraSettings } from './settings.ts';
import { y4mReader } from './y4m-reader.ts';

/** A program that writes frames to its standard output, with its arguments: never a shell string. */
export interface CameraProgram {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly reader: FrameReaderFactory;
}

/**
 * ffmpeg, from any input, as full-range BT.601 with even sides. A frame that arrived damaged is left out: what a decoder
 * makes up for lost bytes has sharp edges, and would be preferred to the whole frames around it.
 */
export function ffmpegProgram(
  input: readonly string[],
  { rotation = 0 }: Pick<CameraSettings, 'rotation'> = {},
): CameraProgram {
  const filter = [
    ...(rotation === 180 ? ['hflip', 'vflip'] : []),
    'scale=trunc(iw/2)*2:trunc(ih/2)*2:out_range=full:out_color_matrix=bt601',
    'format=yuvj420p',
  ].join(',');
  return {
    command: 'ffmpeg',
    arguments: [
      ...['-hide_banner', '-loglevel', 'error', '-nostdin', '-err_detect', 'explode', ...input],
      ...['-an', '-vf', filter, '-strict', '-1', '-f', 'yuv4mpegpipe', 'pipe:1'],
    ],
    reader: y4mReader,
  };
}

/**
 * GStreamer, from any source element, as full-range BT.601. Only raw frames are asked for: its JPEG decoder does not say
 * which frames arrived damaged.
 */
export function gstreamerProgram(
  source: readonly string[],
  { width, height, rate, rotation = 0 }: CameraSettings,
): CameraProgram {
  const wanted = `video/x-raw,format=I420,width=${width},height=${height},framerate=${rate}/1,colorimetry=1:4:0:0`;
  const elements = [
    [...source],
    ['videoconvert'],
    ...(rotation === 180 ? [['videoflip', 'method=rotate-180']] : []),
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
