/** A real appliance with its screen, before a camera program that shows phantoms, and a client that speaks plain HTTP. */

import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { PhantomPainter } from '../../src/capture/phantom/draw.ts';
import type { RgbFrame } from '../../src/frame.ts';
import { Device } from '../../src/runtime/appliance/device.ts';
import type { ScreenSettings } from '../../src/runtime/appliance/settings/screen.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../src/runtime/appliance/settings/settings.ts';
import type { Backend } from '../../src/runtime/engine/contract.ts';
import { type ScreenStart, type ScreenState, startSchema, stateSchema } from '../../src/ui/web/contract.ts';
import { Screen } from '../../src/ui/web/server/screen.ts';
import { PATHS, TOKEN_HEADER } from '../../src/ui/web/words.ts';
import { yuvOf } from './yuv.ts';

const CAMERA = fileURLToPath(new URL('fake-camera.mjs', import.meta.url));
/** Of a phantom; libcamera pads its rows to a multiple of 64. */
const SIZE = { width: 600, height: 450, stride: 640 };

export interface RunningScreen {
  readonly device: Device;
  readonly screen: Screen;
  readonly folder: string;
  /** All that was said to a person. */
  readonly said: readonly string[];
  close(): Promise<void>;
}

function phantoms(count: number): RgbFrame[] {
  const painter = new PhantomPainter();
  return Array.from({ length: count }, (_, i) => painter.draw(i + 1).frame);
}

export async function startScreen(
  settings: Partial<Settings> = {},
  { network = null, camera = true, frames = 2, ...others } = {} as {
    network?: ScreenSettings['network'];
    camera?: boolean;
    frames?: number;
    /** What the camera sees, one after the other, in place of phantoms. */
    pictures?: readonly RgbFrame[];
    /** Faults of the camera's program, as `fake-camera.mjs` has them. */
    faults?: Readonly<Record<string, unknown>>;
    /** Where the data lie. Default: in a folder of its own. */
    data?: string;
    backends?: readonly Backend[];
  },
): Promise<RunningScreen> {
  const folder = mkdtempSync(path.join(tmpdir(), 'screen-'));
  const before = process.env.PATH;
  const said: string[] = [];
  if (camera) {
    symlinkSync(CAMERA, path.join(folder, 'rpicam-vid'));
    const shown = path.join(folder, 'frames.yuv');
    const pictures = others.pictures ?? phantoms(frames);
    writeFileSync(shown, Buffer.concat(pictures.map((frame) => yuvOf(frame, SIZE.stride).yuv420)));
    process.env.PATH = `${folder}:${before}`;
    process.env.FAKE_CAMERA = JSON.stringify({ frames: shown, stride: SIZE.stride, ...others.faults });
  }
  const stop = new AbortController();
  const device = await Device.open({
    settings: {
      ...DEFAULT_SETTINGS,
      ...{ data: others.data ?? path.join(folder, 'data'), backend: 'cpu', trigger: 'buttons' },
      ...(camera && { source: 'libcamera', cameraSize: `${SIZE.width}x${SIZE.height}`, cameraRate: 25 }),
      ...settings,
    },
    stop,
    ...(others.backends && { backends: others.backends }),
    say: (line) => said.push(line),
  });
  const screen = await Screen.open(device, { port: 0, network });
  screen.attach();
  await device.start();
  // As `run` does: what ends the appliance is told to its screens.
  const operating = device.operate().catch((error: unknown) => screen.ending(error));
  return {
    ...{ device, screen, folder, said },
    async close() {
      stop.abort();
      await operating;
      await screen.close();
      await device.close();
      process.env.PATH = before;
      delete process.env.FAKE_CAMERA;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits for so many streams of states; what was ended a moment ago may still count. */
export async function listenedBy({ screen }: RunningScreen, count: number): Promise<void> {
  await expect.poll(() => screen.listeners).toBe(count);
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  json(): unknown;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Exactly what is said, as no browser would let a page say it. */
export async function ask(url: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answer> {
  const request = http.request(url, { method, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(Buffer.from(piece));
  const whole = Buffer.concat(pieces);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: whole,
    json: () => JSON.parse(whole.toString('utf8')) as unknown,
  };
}

/** What the page does, as its browser would. */
export class ScreenClient {
  readonly #origin: string;
  readonly #cookie: string;
  readonly start: ScreenStart;

  private constructor(origin: string, cookie: string, start: ScreenStart) {
    this.#origin = origin;
    this.#cookie = cookie;
    this.start = start;
  }

  /** @param cookie as the page's document sets it */
  static async open(url: string, cookie: string): Promise<ScreenClient> {
    const { origin } = new URL(url);
    const start = startSchema.parse((await ask(`${origin}${PATHS.start}`, { headers: { cookie } })).json());
    return new ScreenClient(origin, cookie, start);
  }

  get headers(): Readonly<Record<string, string>> {
    return { cookie: this.#cookie };
  }

  get(place: string): Promise<Answer> {
    return ask(`${this.#origin}${place}`, { headers: this.headers });
  }

  /** A command, again until it is not one too many of its second. */
  async command(command: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    for (;;) {
      const answer = await this.commandOnce(command, headers);
      if (answer.status !== 429) return answer;
      await setTimeout(200);
    }
  }

  /** A command, with all that the server asks for, changed as `headers` say. */
  commandOnce(command: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return ask(`${this.#origin}${PATHS.command}`, {
      method: 'POST',
      headers: {
        ...this.headers,
        origin: this.#origin,
        'content-type': 'application/json',
        [TOKEN_HEADER]: this.start.token,
        ...headers,
      },
      body: typeof command === 'string' ? command : JSON.stringify(command),
    });
  }

  async state(): Promise<ScreenState> {
    return stateSchema.parse((await this.get(PATHS.state)).json());
  }

  /** States of the stream, checked, until `isLast` says so. */
  async states(isLast: (state: ScreenState) => boolean): Promise<ScreenState[]> {
    const request = http.request(`${this.#origin}${PATHS.events}`, { headers: this.headers, agent: false });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const states: ScreenState[] = [];
    let text = '';
    try {
      for await (const piece of response) {
        text += String(piece);
        const events = text.split('\n\n');
        text = events.pop() ?? '';
        for (const event of events) {
          const [, data] = /^data: (.*)$/m.exec(event) ?? [];
          if (data === undefined) continue;
          states.push(stateSchema.parse(JSON.parse(data)));
          if (isLast(states[states.length - 1])) return states;
        }
      }
    } finally {
      request.destroy();
    }
    return states;
  }
}
