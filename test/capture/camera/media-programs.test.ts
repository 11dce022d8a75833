import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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

describe('a stream of JPEG frames of which some arrive damaged', () => {
  const FRAMES = 30;
  const NOISY = `testsrc2=size=${SIZE.width}x${SIZE.height}:rate=15:duration=2,noise=alls=20:allf=t`;
  /** Bytes that a camera loses of a frame with one packet of USB. */
  const PACKET = 3072;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'mjpeg-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Frames of which every fifth lost a packet, in the middle or at its end. */
  function damagedStream(): { file: string; damaged: number } {
    const whole = path.join(folder, 'whole.mjpeg');
    const drawn = ['-loglevel', 'error', '-f', 'lavfi', '-i', NOISY, '-q:v', '4', '-f', 'mjpeg', whole];
    expect(spawnSync('ffmpeg', drawn).status).toBe(0);
    const frames = framesIn(readFileSync(whole));
    expect(frames).toHaveLength(FRAMES);
    const isDamaged = (i: number) => i % 5 === 2;
    const sent = frames.map((frame, i) => {
      if (!isDamaged(i)) return frame;
      const at = i % 2 === 0 ? frame.length >> 1 : frame.length - PACKET;
      return Buffer.concat([frame.subarray(0, at), frame.subarray(at + PACKET)]);
    });
    const file = path.join(folder, 'damaged.mjpeg');
    writeFileSync(file, Buffer.concat(sent));
    return { file, damaged: frames.filter((_, i) => isDamaged(i)).length };
  }

  function framesIn(stream: Buffer): Buffer[] {
    const starts: number[] = [];
    for (let at = stream.indexOf('ffd8ff', 0, 'hex'); at >= 0; at = stream.indexOf('ffd8ff', at + 2, 'hex')) {
      starts.push(at);
    }
    return starts.map((start, i) => stream.subarray(start, starts[i + 1]));
  }

  /** Frames that the program writes from its input, each as it came. */
  function framesWritten({ command, arguments: args }: CameraProgram): number {
    const untimed = args.flatMap((word) => (word === '-vf' ? ['-vsync', 'passthrough', word] : [word]));
    const { stdout } = spawnSync(command, untimed, { maxBuffer: 2 ** 28 });
    return stdout.toString('latin1').split('FRAME\n').length - 1;
  }

  it.skipIf(!isInstalled('ffmpeg', '-version'))('gives the whole frames and none of the others', () => {
    const { file, damaged } = damagedStream();
    const program = ffmpegProgram(['-f', 'mjpeg', '-i', file]);
    expect(framesWritten(program)).toBe(FRAMES - damaged);
  });
});

describe('a camera that is mounted upside down', () => {
  const half = `color=red:size=${SIZE.width}x${SIZE.height}:rate=${SIZE.rate}`;
  const input = `${half},drawbox=y=ih/2:h=ih/2:color=blue:t=fill,drawbox=y=0:h=ih/2-8:color=red:t=fill`;

  it.skipIf(!isInstalled('ffmpeg', '-version'))('is turned by half', async () => {
    const upright = ffmpegProgram(['-re', '-f', 'lavfi', '-i', input]);
    const turned = ffmpegProgram(['-re', '-f', 'lavfi', '-i', input], { rotation: 180 });
    const [red, , blue] = await middleOf(upright);
    const [turnedRed, , turnedBlue] = await middleOf(turned);
    // The lower half begins at the middle row; turned, that row shows the end of the upper half.
    expect(blue).toBeGreaterThan(red);
    expect(turnedRed).toBeGreaterThan(turnedBlue);
  });
});
