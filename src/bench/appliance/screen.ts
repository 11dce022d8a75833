/** What the screen costs: from a frame to its reading on a page, the viewfinder, and the server's memory. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PhantomPainter } from '../../capture/phantom/draw.ts';
import type { CaptureSource, LiveFrame } from '../../capture/source.ts';
import type { RgbFrame, YuvFrame } from '../../frame.ts';
import { DEFAULT_QUALITY } from '../../preprocess/quality.ts';
import { Device } from '../../runtime/appliance/device.ts';
import { DEFAULT_SETTINGS } from '../../runtime/appliance/settings/settings.ts';
import { DISPLAY_COOKIE } from '../../ui/web/server/clients.ts';
import { Viewfinder } from '../../ui/web/server/pixels/viewfinder.ts';
import { Screen } from '../../ui/web/server/screen.ts';
import { FRAME_HEADERS, PATHS } from '../../ui/web/words.ts';

export interface ScreenReport {
  readonly captures: number;
  /** Milliseconds from a frame's arrival in the flow to its reading at a page that listens. */
  readonly shown: { readonly median: number; readonly p95: number };
  readonly viewfinder: {
    readonly width: number;
    readonly height: number;
    /** That were encoded and taken. */
    readonly framesPerSecond: number;
    /** Of one core, 0…1, of the whole process. */
    readonly coreShare: number;
    /** Milliseconds of a core for each frame. */
    readonly perFrame: number;
  };
  /** Megabytes that the process has grown by with the screen, listened to. */
  readonly memory: number;
}

/** Frames a second of the camera that is played. */
const RATE = 25;
const SIZE = { width: 1280, height: 960 };
/** Captures, and frames of the viewfinder, that are not counted. */
const WARM_CAPTURES = 20;
const WARM_FRAMES = 40;

/** @param captures on phantoms, @param seconds for which the viewfinder is watched */
export async function measureScreen(captures: number, seconds: number): Promise<ScreenReport> {
  const { shown, memory } = await measureReadings(captures);
  return { captures, shown, viewfinder: await measureViewfinder(seconds), memory };
}

async function measureReadings(captures: number): Promise<Pick<ScreenReport, 'shown' | 'memory'>> {
  const data = mkdtempSync(path.join(tmpdir(), 'screen-bench-'));
  const stop = new AbortController();
  const settings = { ...DEFAULT_SETTINGS, data, trigger: 'buttons', backend: 'cpu' } as const;
  const device = await Device.open({ settings, stop, say: () => {} });
  await device.start();
  const operating = device.operate();
  // What captures take for themselves is not the screen's.
  for (let i = 0; i < WARM_CAPTURES; i++) {
    await device.appliance.capture();
    device.appliance.flow.press('undo');
  }
  const before = residentMegabytes();
  const screen = await Screen.open(device, { port: 0, network: null });
  screen.attach();
  try {
    const page = await Page.open(screen);
    const times: number[] = [];
    for (let i = 0; i < captures; i++) times.push(await timeOfReading(device, page));
    const memory = residentMegabytes() - before;
    page.close();
    times.sort((a, b) => a - b);
    const at = (share: number) => Number(times[Math.floor(share * (times.length - 1))].toFixed(1));
    return { shown: { median: at(0.5), p95: at(0.95) }, memory: Number(memory.toFixed(1)) };
  } finally {
    stop.abort();
    await operating;
    await screen.close();
    await device.close();
    rmSync(data, { recursive: true, force: true });
  }
}

/** The frame comes when the flow begins to read. */
async function timeOfReading({ appliance }: Device, page: Page): Promise<number> {
  let framed = 0;
  const forget = appliance.flow.onChange(({ state }) => {
    if (state === 'reading' && framed === 0) framed = performance.now();
  });
  const seen = page.reading();
  await appliance.capture();
  const shown = await seen;
  forget();
  appliance.flow.press('undo');
  return shown - framed;
}

function residentMegabytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 2 ** 20;
}

/** What a page hears, without drawing it. */
class Page {
  readonly #request: http.ClientRequest;
  #waiting: ((at: number) => void) | null = null;
  #seen = new Set<string>();

  private constructor(request: http.ClientRequest, response: IncomingMessage) {
    this.#request = request;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.#hear(text));
    response.on('error', () => {});
  }

  static async open({ url, displaySecret }: Screen): Promise<Page> {
    const headers = { cookie: `${DISPLAY_COOKIE}=${displaySecret}` };
    const request = http.request(new URL(PATHS.events, url), { headers, agent: false });
    request.on('error', () => {});
    request.end();
    const [response]: IncomingMessage[] = await once(request, 'response');
    return new Page(request, response);
  }

  /** Resolves with the time at which the next reading is heard of. */
  reading(): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  close(): void {
    this.#request.destroy();
  }

  #hear(text: string): void {
    const [, result] = /"reading":\{"result":"([^"]+)"/.exec(text) ?? [];
    if (result === undefined || this.#seen.has(result)) return;
    this.#seen.add(result);
    this.#waiting?.(performance.now());
  }
}

async function measureViewfinder(seconds: number): Promise<ScreenReport['viewfinder']> {
  const camera = new PlayedCamera();
  const viewfinder = new Viewfinder(camera, DEFAULT_QUALITY);
  const end = new AbortController();
  const playing = camera.play(end.signal);
  let [after, frames] = [0, -WARM_FRAMES];
  let begin = { cpu: process.cpuUsage(), at: performance.now() };
  while (frames < 0 || performance.now() - begin.at < 1000 * seconds) {
    const frame = await viewfinder.frame(after, end.signal);
    // Before the first, and where this process was kept waiting.
    if ('code' in frame) await delay(1);
    else {
      after = Number(frame.headers[FRAME_HEADERS.id]);
      if (++frames === 0) begin = { cpu: process.cpuUsage(), at: performance.now() };
    }
  }
  const { user, system } = process.cpuUsage(begin.cpu);
  const elapsed = performance.now() - begin.at;
  end.abort();
  await playing;
  viewfinder.close();
  const used = (user + system) / 1000;
  return {
    ...SIZE,
    framesPerSecond: Number(((1000 * frames) / elapsed).toFixed(1)),
    coreShare: Number((used / elapsed).toFixed(3)),
    perFrame: Number((used / Math.max(1, frames)).toFixed(2)),
  };
}

/** A camera of the usual size that shows phantoms. */
class PlayedCamera implements CaptureSource {
  readonly kind = 'libcamera';
  readonly #frames: readonly YuvFrame[];
  readonly #listeners = new Set<() => void>();
  #live: { frame: YuvFrame; takenAt: Date; stamp: number } | null = null;

  constructor() {
    const painter = new PhantomPainter();
    this.#frames = [1, 2, 3].map((seed) => enlarged(painter.draw(seed).frame));
  }

  describe(): string {
    return 'phantoms, played';
  }

  async *frames(): AsyncGenerator<never> {}

  newest(): LiveFrame | null {
    if (this.#live === null) return null;
    const { frame, takenAt, stamp } = this.#live;
    return { frame, takenAt, age: performance.now() - stamp };
  }

  onFrame(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async play(signal: AbortSignal): Promise<void> {
    for (let i = 0; !signal.aborted; i++) {
      const frame = { ...this.#frames[i % this.#frames.length] };
      this.#live = { frame, takenAt: new Date(), stamp: performance.now() };
      for (const listener of [...this.#listeners]) listener();
      await delay(1000 / RATE);
    }
  }
}

/** A frame as a camera of the usual size would give it: each pixel that of the frame there, in BT.601. */
function enlarged({ rgb, width, height }: RgbFrame): YuvFrame {
  const area = SIZE.width * SIZE.height;
  const yuv420 = new Uint8Array((area * 3) / 2);
  const quarter = area / 4;
  for (let y = 0; y < SIZE.height; y++) {
    for (let x = 0; x < SIZE.width; x++) {
      const from =
        3 * (Math.floor((y * height) / SIZE.height) * width + Math.floor((x * width) / SIZE.width));
      const [red, green, blue] = [rgb[from], rgb[from + 1], rgb[from + 2]];
      yuv420[y * SIZE.width + x] = 0.299 * red + 0.587 * green + 0.114 * blue;
      if (x % 2 === 1 || y % 2 === 1) continue;
      const chroma = area + (y / 2) * (SIZE.width / 2) + x / 2;
      yuv420[chroma] = 128 - 0.168736 * red - 0.331264 * green + 0.5 * blue;
      yuv420[chroma + quarter] = 128 + 0.5 * red - 0.418688 * green - 0.081312 * blue;
    }
  }
  return { yuv420, ...SIZE, stride: SIZE.width };
}
