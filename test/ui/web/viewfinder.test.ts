import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { PhantomPainter } from '../../../src/capture/phantom/draw.ts';
import type { CaptureSource, LiveFrame } from '../../../src/capture/source.ts';
import type { YuvFrame } from '../../../src/frame.ts';
import { DEFAULT_QUALITY } from '../../../src/preprocess/quality.ts';
import { Viewfinder } from '../../../src/ui/web/server/pixels/viewfinder.ts';
import { FRAME_HEADERS } from '../../../src/ui/web/words.ts';
import { yuvOf } from '../../support/yuv.ts';

const painter = new PhantomPainter();
const PHANTOM = yuvOf(painter.draw(3).frame);
const signal = new AbortController().signal;

/** A camera whose newest frame, and how old it is, are as a test says. */
class PlayedCamera implements CaptureSource {
  readonly kind = 'libcamera';
  #live: LiveFrame | null = null;
  #listeners = new Set<() => void>();

  describe(): string {
    return 'played';
  }

  async *frames(): AsyncGenerator<never> {}

  newest(): LiveFrame | null {
    return this.#live;
  }

  onFrame(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  show(frame: YuvFrame, age: number): void {
    this.#live = { frame: { ...frame }, takenAt: new Date(), age };
    for (const listener of this.#listeners) listener();
  }

  get listeners(): number {
    return this.#listeners.size;
  }
}

function viewfinderOf(camera: CaptureSource): Viewfinder {
  return new Viewfinder(camera, DEFAULT_QUALITY);
}

/** A frame that is shown; fails where there is none. */
async function shown(viewfinder: Viewfinder, after = 0) {
  const frame = await viewfinder.frame(after, signal);
  if ('code' in frame) throw new Error(frame.code);
  return frame;
}

describe('the viewfinder', () => {
  it('shows what the camera sees, and says of it what a capture of it would find', async () => {
    const camera = new PlayedCamera();
    camera.show(PHANTOM, 10);
    const { jpeg, headers } = await shown(viewfinderOf(camera));
    const { width, height, format } = await sharp(jpeg).metadata();
    expect([format, width, height]).toEqual(['jpeg', 600, 450]);
    expect(Number(headers[FRAME_HEADERS.focus])).toBeGreaterThan(1);
    expect(headers).toMatchObject({ [FRAME_HEADERS.exposure]: 'good', [FRAME_HEADERS.field]: 'none' });
    expect(Number(headers[FRAME_HEADERS.age])).toBeGreaterThanOrEqual(10);
  });

  it('cues a frame that is dark or blurred before anybody presses', async () => {
    const camera = new PlayedCamera();
    const dimmed = PHANTOM.yuv420.map((byte, i) => (i < 600 * 450 ? byte >> 2 : 128 + ((byte - 128) >> 2)));
    camera.show({ ...PHANTOM, yuv420: dimmed }, 0);
    expect((await shown(viewfinderOf(camera))).headers[FRAME_HEADERS.exposure]).toBe('dark');
    camera.show({ ...PHANTOM, yuv420: new Uint8Array(PHANTOM.yuv420.length).fill(128) }, 0);
    expect(Number((await shown(viewfinderOf(camera))).headers[FRAME_HEADERS.focus])).toBeLessThan(1);
  });

  it('never shows as live what is older than half a second, and says why not', async () => {
    const camera = new PlayedCamera();
    const viewfinder = viewfinderOf(camera);
    expect(await viewfinder.frame(0, signal)).toEqual({ code: 'FRAME_ABSENT', age: null });
    expect(viewfinder.state.state).toBe('absent');
    camera.show(PHANTOM, 501);
    expect(await viewfinder.frame(0, signal)).toEqual({ code: 'FRAME_STALE', age: 501 });
    expect(viewfinder.state).toMatchObject({ state: 'stale', rate: 0 });
    camera.show(PHANTOM, 499);
    expect(viewfinder.state.state).toBe('live');
    expect((await shown(viewfinder)).jpeg.length).toBeGreaterThan(0);
  });

  it('waits for the next frame, gives each once, and lets go who leaves', async () => {
    const camera = new PlayedCamera();
    const viewfinder = viewfinderOf(camera);
    camera.show(PHANTOM, 0);
    const first = Number((await shown(viewfinder)).headers[FRAME_HEADERS.id]);
    const next = shown(viewfinder, first);
    camera.show(PHANTOM, 0);
    expect(Number((await next).headers[FRAME_HEADERS.id])).toBe(first + 1);
    const left = new AbortController();
    const waiting = viewfinder.frame(first + 1, left.signal);
    left.abort();
    expect(await waiting).toMatchObject({ code: 'FRAME_STALE' });
    viewfinder.close();
    expect(camera.listeners).toBe(0);
  });

  it('encodes a frame once for everybody who asks', async () => {
    const camera = new PlayedCamera();
    const viewfinder = viewfinderOf(camera);
    camera.show(PHANTOM, 0);
    const frames = await Promise.all(Array.from({ length: 8 }, () => shown(viewfinder)));
    expect(new Set(frames.map(({ jpeg }) => jpeg)).size).toBe(1);
  });

  it('says that a source without one shows none', async () => {
    const source = { kind: 'phantom', describe: () => '', frames: async function* () {} } as const;
    expect(await viewfinderOf(source).frame(0, signal)).toEqual({ code: 'FRAME_ABSENT', age: null });
  });
});
