/** A real appliance, a real broker and a browser that keeps its profile, all of whose files lie in one folder. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import type { YuvFrame } from '../../../../src/frame.ts';
import { type Appliance, startAppliance } from '../../../support/appliance.ts';
import { watched } from '../../../support/connections.ts';
import { type Listener, listenTo } from '../../../support/listener.ts';
import { type Mosquitto, startMosquitto } from '../../../support/mosquitto.ts';
import { PROGRAM } from './browser.ts';
import { STRIDE } from './marked-frames.ts';

const CAMERA = fileURLToPath(new URL('../../../support/fake-camera.mjs', import.meta.url));
/** Milliseconds until the appliance has said where its screen is, or a page shows what it shall. */
const PATIENCE = 60_000;

/** Options of a kiosk that are of its display, or by which the browser would have nothing to keep. */
const KEEPS_NOTHING = new Set([
  ...['--ozone-platform', '--kiosk', '--app', '--user-data-dir', '--incognito'],
  ...['--disk-cache-size', '--media-cache-size'],
]);

export class Day {
  /** What is searched afterwards: data, homes, temporary files, the profile. */
  readonly folder: string;
  /** The calls by which the appliance and the browser reach out; without a watch there are none. */
  readonly calls: readonly [appliance: string, browser: string];
  readonly #room: string;
  #broker: Mosquitto | null = null;
  #listener: Listener | null = null;
  #appliance: Appliance | null = null;
  #context: BrowserContext | null = null;

  constructor() {
    this.#room = mkdtempSync(path.join(tmpdir(), 'spikescope-day-'));
    this.folder = path.join(this.#room, 'day');
    for (const name of ['data', 'profile', 'home', 'tmp'])
      mkdirSync(path.join(this.folder, name), { recursive: true });
    this.calls = [path.join(this.#room, 'appliance.calls'), path.join(this.#room, 'browser.calls')];
  }

  /** @param isWatched whether calls are recorded. @returns the page, open */
  async begin(frames: readonly YuvFrame[], isWatched: boolean): Promise<Page> {
    const broker = await startMosquitto();
    this.#broker = broker;
    this.#listener = await listenTo(broker.url);
    const appliance = this.#start(frames, broker.url, isWatched ? watched(this.calls[0]) : []);
    this.#appliance = appliance;
    const url = await addressOf(appliance);
    this.#context = await chromium.launchPersistentContext(path.join(this.folder, 'profile'), {
      executablePath: isWatched ? this.#watchedBrowser() : PROGRAM,
      args: ['--no-sandbox', '--disable-gpu', ...kioskOptions()],
      // It would have pixels shared between processes by files that lie among the temporary ones.
      ignoreDefaultArgs: ['--disable-dev-shm-usage'],
      env: this.#environment(),
      viewport: { width: 480, height: 800 },
    });
    const page = await this.#context.newPage();
    await page.goto(url);
    await page.locator('nav').waitFor();
    page.setDefaultTimeout(PATIENCE);
    return page;
  }

  /** All that was said to brokers, and by whom: payloads, the broker's log, what the appliance printed. */
  said(): ReadonlyMap<string, Buffer> {
    const heard = this.#listener?.heard ?? [];
    return new Map([
      ['MQTT', Buffer.from(heard.map(({ topic, payload }) => `${topic} ${payload}`).join('\n'))],
      ['log of the broker', Buffer.from(this.#broker?.log() ?? '')],
      ['stdout', Buffer.from(this.#appliance?.lines.join('\n') ?? '')],
      ['stderr', Buffer.from(this.#appliance?.stderr() ?? '')],
    ]);
  }

  /** Everything is closed as at the end of a day; files and what was said stay. */
  async end(): Promise<void> {
    await this.#context?.close();
    this.#appliance?.kill('SIGTERM');
    await this.#appliance?.ended;
    await this.#listener?.close();
    await this.#broker?.stop();
  }

  remove(): void {
    rmSync(this.#room, { recursive: true, force: true });
  }

  #start(frames: readonly YuvFrame[], broker: string, through: readonly string[]): Appliance {
    const programs = path.join(this.#room, 'programs');
    mkdirSync(programs);
    symlinkSync(CAMERA, path.join(programs, 'rpicam-vid'));
    const shown = path.join(this.#room, 'frames.yuv');
    writeFileSync(shown, Buffer.concat(frames.map(({ yuv420 }) => yuv420)));
    const [{ width, height }] = frames;
    const options = [
      ...['--source', 'libcamera', '--camera-size', `${width}x${height}`, '--trigger', 'buttons'],
      ...['--screen', '0', '--patient-context', '--result-schema', '3', '--broker', broker],
      ...['--data', path.join(this.folder, 'data'), '--device-id', 'scope-1', '--metrics', '0'],
      ...['--fhir', '--home-assistant', '--json'],
    ];
    const environment = {
      ...this.#environment(),
      PATH: `${programs}:${process.env.PATH}`,
      FAKE_CAMERA: JSON.stringify({ frames: shown, stride: STRIDE }),
      SPIKESCOPE_LOG_LEVEL: 'debug',
    };
    return startAppliance(options, undefined, environment, through);
  }

  /** All places in which a program may leave files. */
  #environment(): Record<string, string> {
    const home = path.join(this.folder, 'home');
    const places = { HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, XDG_STATE_HOME: home };
    return { PATH: process.env.PATH ?? '', ...places, TMPDIR: path.join(this.folder, 'tmp') };
  }

  #watchedBrowser(): string {
    const script = path.join(this.#room, 'browser');
    writeFileSync(script, `#!/bin/sh\nexec ${watched(this.calls[1]).join(' ')} ${PROGRAM} "$@"\n`);
    chmodSync(script, 0o755);
    return script;
  }
}

/** Those of the kiosk's unit that say what the browser may do; what would leave its profile empty is left out. */
function kioskOptions(): string[] {
  const unit = readFileSync('provisioning/systemd/spikescope-kiosk.service', 'utf8');
  const options = [...unit.matchAll(/ (--[a-z-]+)(?:="([^"]+)"|=(\S+))?/g)].filter(
    ([, name]) => !KEEPS_NOTHING.has(name),
  );
  return options.map(([, name, quoted, plain]) => [name, quoted ?? plain].filter(Boolean).join('='));
}

async function addressOf(appliance: Appliance): Promise<string> {
  for (const from = performance.now(); performance.now() - from < PATIENCE; ) {
    const address = /^\s*screen\s+(http:\S+)/m.exec(appliance.stderr())?.[1];
    if (address !== undefined) return address;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the appliance does not say where its screen is:\n${appliance.stderr()}`);
}
