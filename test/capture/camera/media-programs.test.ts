import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { CameraSource } from '../../../src/capture/camera/camera-source.ts';
import { type CameraProgram, ffmpegProgram, gstreamerProgram } from '../../../src/capture/camera/program.ts';
import { rgbOfYuv } from '../../../src/preprocess/yuv-reference.ts';

const SIZE = { width: 320, height: 240, rate: 10 };

/** Whether a program runs here; these tests need the real ones. */
function isInstalled(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** The middle pixel of the first frame, RGB. */
async function middleOf(program: CameraProgram): Promise<number[]> {
  const source = new CameraSource({
    kind: 'v4l2',
    description: 'a test picture',
    programs: [program],
    rate: SIZE.rate,
    sharpness: () => 0,
    onFault: (fault) => {
      throw fault;
    },
  });
  try {
    for await (const { image } of source.frames(AbortSignal.timeout(20_000))) {
      if (typeof image === 'string' || !('yuv420' in image)) throw new Error('cameras give YUV frames');
      expect(image).toMatchObject({ width: SIZE.width, height: SIZE.height });
      const at = ((SIZE.height / 2) * SIZE.width + SIZE.width / 2) * 3;
      return [...rgbOfYuv(image).rgb.subarray(at, at + 3)];
    }
    throw new Error('no frame came');
  } finally {
    await source.stop();
  }
}

function expectColour(actual: readonly number[], expected: readonly number[]): void {
  for (const [i, value] of expected.entries())
    expect(Math.abs(actual[i] - value), `${actual}`).toBeLessThanOrEqual(3);
}

describe('a camera through ffmpeg', () => {
  it.skipIf(!isInstalled('ffmpeg', '-version'))('keeps its colours, black, white and skin', async () => {
    for (const [name, colour] of [
      ['0xd2a08c', [0xd2, 0xa0, 0x8c]],
      ['black', [0, 0, 0]],
      ['white', [255, 255, 255]],
    ] as const) {
      const input = `color=${name}:size=${SIZE.width}x${SIZE.height}:rate=${SIZE.rate},format=rgb24`;
      expectColour(await middleOf(ffmpegProgram(['-re', '-f', 'lavfi', '-i', input])), colour);
    }
  });
});

describe('a camera through GStreamer', () => {
  it.skipIf(!isInstalled('gst-inspect-1.0', 'y4menc'))('keeps its colours', async () => {
    for (const [pattern, colour] of [
      ['red', [255, 0, 0]],
      ['white', [255, 255, 255]],
      ['black', [0, 0, 0]],
    ] as const) {
      const source = ['videotestsrc', 'is-live=true', `pattern=${pattern}`, '!', 'video/x-raw,format=RGB'];
      expectColour(await middleOf(gstreamerProgram(source, SIZE)), colour);
    }
  });
});
