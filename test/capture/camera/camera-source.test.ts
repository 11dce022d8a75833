import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CameraSource } from '../../../src/capture/camera/camera-source.ts';
import type { FrameReaderFactory } from '../../../src/capture/camera/frame-reader.ts';
import { geometryOf } from '../../../src/capture/camera/geometry.ts';
import { libcameraPrograms } from '../../../src/capture/camera/libcamera.ts';
import { rawReader } from '../../../src/capture/camera/raw-reader.ts';
import { v4l2Programs } from '../../../src/capture/camera/v4l2.ts';
import { y4mReader } from '../../../src/capture/camera/y4m-reader.ts';
import type { Capture } from '../../../src/capture/source.ts';
import type { SpikescopeError } from '../../../src/errors.ts';
import type { YuvFrame } from '../../../src/frame.ts';
import { measureQuality } from '../../../src/preprocess/quality.ts';

const FAKE = fileURLToPath(new URL('../../support/fake-camera.mjs', import.meta.url));
const SIZE = { width: 200, height: 160, rate: 40 };
const START = 5000;
/** Where it is to stall; elsewhere a busy machine may hold anything up. */
const STALL = 400;

interface Behaviour {
  readonly [setting: string]: unknown;
}

let folder: string;
let open: CameraSource[] = [];
const faults: SpikescopeError[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'spikescope-camera-'));
  faults.length = 0;
});

afterEach(async () => {
  await Promise.all(open.map((source) => source.stop()));
  open = [];
  delete process.env.FAKE_CAMERA;
  await rm(folder, { recursive: true });
});

/** The camera with a behaviour, as rpicam-vid would be started. */
function camera(
  behaviour: Behaviour = {},
  reader: FrameReaderFactory = rawReader(geometryOf(SIZE.width, SIZE.height, 256)),
  sharpness = (_: YuvFrame) => 0,
): CameraSource {
  process.env.FAKE_CAMERA = JSON.stringify({ lives: path.join(folder, 'lives'), ...behaviour });
  const [program] = libcameraPrograms(SIZE);
  const source = new CameraSource({
    kind: 'libcamera',
    description: 'a fake camera',
    programs: [{ ...program, command: FAKE, reader }],
    sharpness,
    onFault: (fault) => faults.push(fault),
    rate: SIZE.rate,
    deadlines: { start: START, stall: 'stallAfter' in behaviour ? STALL : START },
    pauses: { first: 10, longest: 50 },
  });
  open.push(source);
  return source;
}

async function take(source: CameraSource, count: number): Promise<number[]> {
  const levels: number[] = [];
  if (count === 0) return levels;
  for await (const { image } of source.frames(new AbortController().signal)) {
    levels.push(levelOf(image));
    if (levels.length === count) break;
  }
  return levels;
}

/** The level of a frame that is the same everywhere, so neither shifted nor mixed of two. */
function levelOf(image: Capture['image']): number {
  if (typeof image === 'string' || !('yuv420' in image)) throw new Error('cameras give YUV frames');
  const { yuv420, width, height, stride } = image;
  const levels = new Set<number>();
  for (let y = 0; y < height; y++) {
    for (const value of yuv420.subarray(y * stride, y * stride + width)) levels.add(value);
  }
  for (const value of yuv420.subarray(height * stride)) if (value !== 128) throw new Error('shifted chroma');
  expect([...levels]).toHaveLength(1);
  return [...levels][0];
}

async function lives(): Promise<number> {
  return (await readFile(path.join(folder, 'lives'), 'utf8')).trim().split('\n').length;
}

describe('the settings of a camera', () => {
  it('reach the program of a Raspberry Pi as arguments of their own', () => {
    const settings = { ...SIZE, number: 1, lens: 10.5, exposure: 8000, rotation: 180 as const };
    for (const { arguments: words } of libcameraPrograms(settings)) {
      const text = words.join(' ');
      expect(text).toContain(
        '--camera 1 --autofocus-mode manual --lens-position 10.5 --shutter 8000 --rotation 180',
      );
    }
    const plain = libcameraPrograms(SIZE)[0].arguments.join(' ');
    expect(plain).not.toMatch(/--camera|--lens|--shutter|--rotation/);
  });

  it.each(['number', 'lens', 'exposure'])(
    'of which %s is for a Raspberry Pi are refused for others',
    (name) => {
      const settings = { ...SIZE, [name]: 1 };
      expect(() => v4l2Programs('/dev/video0', settings)).toThrow(
        expect.objectContaining({ code: 'CAMERA_OPTION', exitCode: 2 }),
      );
      expect(() => v4l2Programs('/dev/video0', { ...SIZE, rotation: 180 })).not.toThrow();
    },
  );
});

describe('a resident camera', () => {
  it('gives frames in order, each once', async () => {
    const levels = await take(camera(), 8);
    expect(levels).toEqual([...new Set(levels)].sort((a, b) => a - b));
  });

  it('is asked for by an argument array with nothing to be parsed again', async () => {
    await take(camera(), 1);
    expect(await readFile(path.join(folder, 'lives'), 'utf8')).toBe(
      '--codec yuv420 --timeout 0 --nopreview --flush --output - --width 200 --height 160 --framerate 40\n',
    );
  });

  it.each([50, 4096, 70_001])('reads frames that arrive in pieces of %i bytes', async (piece) => {
    const source = camera({ piece });
    expect(await take(source, 3)).toHaveLength(3);
  });

  it.each([200, 256, 300])('reads rows of %i bytes', async (stride) => {
    const source = camera({ stride }, rawReader(geometryOf(SIZE.width, SIZE.height, stride)));
    expect(await take(source, 3)).toHaveLength(3);
  });

  it('waits for a slow start', async () => {
    const source = camera({ startAfter: 1200 });
    expect(await take(source, 1)).toHaveLength(1);
    expect(source.health().restarts).toBe(0);
  });

  it('never shows a frame that lost bytes, nor one shifted by it', async () => {
    const source = camera({ truncate: [3, 4, 6] });
    const levels = await take(source, 12);
    for (const lost of [3, 4, 6]) expect(levels).not.toContain(lost);
    expect(source.health().truncated).toBeGreaterThanOrEqual(3);
    expect(source.health().restarts).toBe(0);
  });

  it.each(['raw', 'y4m'])(
    'waits for the rest of a %s frame whose program gets no processor, and tells its age from its beginning',
    async (format) => {
      const heldUp = 60;
      const source = camera({ heldUp, format }, format === 'y4m' ? y4mReader : undefined);
      const ages: (number | undefined)[] = [];
      source.onFrame(() => ages.push(source.newest()?.age));
      expect(await take(source, 4)).toHaveLength(4);
      expect(source.health()).toEqual({ truncated: 0, restarts: 0 });
      // Its first byte may have lain there unread for a while.
      for (const age of ages) expect(age).toBeGreaterThan(heldUp / 2);
    },
  );

  it('is started again after it stalls, and says so', async () => {
    const source = camera({ stallAfter: 4 });
    const levels = await take(source, 6);
    expect(Math.max(...levels)).toBeLessThanOrEqual(4);
    expect(await lives()).toBeGreaterThan(1);
    expect(faults[0].code).toBe('CAMERA_STALLED');
  });

  it('is started again after it dies, and says what it said', async () => {
    const source = camera({ exitAfter: 2, exitCode: 255, stderr: 'ERROR: no cameras available' });
    await take(source, 5);
    expect(await lives()).toBeGreaterThan(1);
    expect(faults[0].code).toBe('CAMERA_EXITED');
    expect(faults[0].describe()).toContain('exit code 255');
    expect(faults[0].describe()).toContain('no cameras available');
  });

  it('is not started again without end in no time when it never works', async () => {
    const source = camera({ exitAfter: 0 });
    source.start();
    await expect.poll(() => faults.length).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(source.frameAge()).toBeNull();
    expect(await lives()).toBeLessThan(60);
  });

  it('reads YUV4MPEG2, and starts a program again that writes something else', async () => {
    expect(await take(camera({ format: 'y4m' }, y4mReader), 3)).toHaveLength(3);
    const source = camera({ format: 'nonsense' }, y4mReader);
    source.start();
    await expect.poll(() => faults.map(({ code }) => code)).toContain('CAMERA_STREAM');
  });

  it('restarts a marked stream that lost bytes, and never shows the damaged frame', async () => {
    const source = camera({ format: 'y4m', truncate: [3] }, y4mReader);
    expect(await take(source, 8)).not.toContain(3);
    expect(faults[0].code).toBe('CAMERA_STREAM');
  });

  it('captures the sharpest of the last frames', async () => {
    const source = camera({ sharpEvery: 3 }, undefined, (frame) => measureQuality(frame).focus);
    source.start();
    await expect.poll(() => source.frameAge()).not.toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 300));
    for await (const { image } of source.frames(new AbortController().signal)) {
      if (typeof image === 'string' || !('yuv420' in image)) throw new Error('cameras give YUV frames');
      expect(measureQuality(image).focus).toBeGreaterThan(1000);
      break;
    }
  });

  it('keeps the pixels of a frame until the next one is asked for', async () => {
    const source = camera();
    let taken = 0;
    for await (const { image } of source.frames(new AbortController().signal)) {
      const level = levelOf(image);
      await new Promise((resolve) => setTimeout(resolve, 250));
      expect(levelOf(image)).toBe(level);
      if (++taken === 2) break;
    }
  });

  it('does not show what it saw long ago', async () => {
    const source = camera({ exitAfter: 3, exitCode: 0 });
    source.start();
    await expect.poll(() => source.health().restarts).toBeGreaterThanOrEqual(1);
    expect(await take(source, 1)).toHaveLength(1);
    expect(source.frameAge()).toBeLessThan(1000);
  });

  /** Without its node ffmpeg and GStreamer end at once, each with words of its own. */
  function unplugged(mustBePresent: boolean): { source: CameraSource; plugIn(): Promise<void> } {
    process.env.FAKE_CAMERA = JSON.stringify({ exitAfter: 0 });
    const device = path.join(folder, 'video9');
    const [program] = libcameraPrograms(SIZE);
    const reader = rawReader(geometryOf(SIZE.width, SIZE.height, 256));
    const source = new CameraSource({
      ...{ kind: 'v4l2', description: 'unplugged', programs: [{ ...program, command: FAKE, reader }] },
      ...{ sharpness: () => 0, onFault: (fault) => faults.push(fault), rate: SIZE.rate },
      ...{ pauses: { first: 10, longest: 50 }, device, mustBePresent },
    });
    open.push(source);
    const plugIn = async () => {
      process.env.FAKE_CAMERA = '{}';
      await writeFile(device, '');
    };
    return { source, plugIn };
  }

  it('that is not connected fails where it must be there', async () => {
    const { source } = unplugged(true);
    await expect(take(source, 1)).rejects.toMatchObject({ code: 'CAMERA_ABSENT', exitCode: 1 });
    expect(faults).toEqual([]);
  });

  it('that is not connected is waited for where it need not be there, and its fault is told meanwhile', async () => {
    const { source, plugIn } = unplugged(false);
    source.start();
    await expect.poll(() => source.fault()?.code).toBe('CAMERA_ABSENT');
    await plugIn();
    expect(await take(source, 1)).toHaveLength(1);
    expect(source.fault()).toBeNull();
  });

  it('that is pulled out after the first frame is waited for in any case', async () => {
    const { source, plugIn } = unplugged(true);
    await plugIn();
    process.env.FAKE_CAMERA = JSON.stringify({ exitAfter: 3 });
    expect(await take(source, 1)).toHaveLength(1);
    await rm(path.join(folder, 'video9'));
    await expect.poll(() => faults.map(({ code }) => code)).toContain('CAMERA_ABSENT');
    await plugIn();
    expect(await take(source, 1)).toHaveLength(1);
  });

  it('ends its program when it is stopped, in the middle of waiting too', async () => {
    const source = camera({ stallAfter: 0 });
    const abort = new AbortController();
    const frames = source.frames(abort.signal);
    const waiting = frames.next();
    abort.abort();
    expect((await waiting).done).toBe(true);
    await source.stop();
    await source.stop();
  });

  it('says what to install when there is no camera program', async () => {
    const source = new CameraSource({
      kind: 'libcamera',
      description: 'none',
      programs: libcameraPrograms(SIZE).map((program) => ({
        ...program,
        command: `${program.command}-absent`,
      })),
      rate: SIZE.rate,
      sharpness: () => 0,
      onFault: (fault) => faults.push(fault),
    });
    await expect(take(source, 1)).rejects.toMatchObject({ code: 'CAMERA_PROGRAM_MISSING' });
    expect(faults).toEqual([]);
  });
});
