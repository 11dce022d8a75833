import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { z } from 'zod';
import { SpikescopeError } from '../../errors.ts';

/** Debian's, which a kiosk has. */
const PROGRAM = '/usr/bin/chromium';
/** Milliseconds for the page to show what is waited for. */
const PATIENCE = 120_000;
const SIZE = { width: 800, height: 480 };

/**
 * Runs in the page before its own script: counts what is drawn into a canvas, and the readings that have appeared (each has
 * a heading of its own) with the time at which the last was painted. A task that is posted from within a frame's callback
 * runs after that frame.
 */
const WATCH = `(() => {
  const seen = { drawn: 0, readings: 0, paintedAt: 0 };
  window.bench = seen;
  const { drawImage } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.drawImage = function (...what) {
    seen.drawn++;
    return drawImage.apply(this, what);
  };
  const afterPaint = (then) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { port1.close(); then(); };
    port2.postMessage(null);
  });
  let last = null;
  new MutationObserver(() => {
    const word = document.querySelector('.triage-word');
    if (word !== null && word !== last) afterPaint(() => {
      seen.paintedAt = performance.timeOrigin + performance.now();
      seen.readings++;
    });
    last = word;
  }).observe(document, { childList: true, subtree: true });
})()`;

/** A press of the page's own button, until its reading is painted. */
const PRESS = `new Promise((resolve) => {
  const { bench } = window;
  const readings = bench.readings;
  const pressedAt = performance.timeOrigin + performance.now();
  document.querySelector('.take .action').click();
  const look = () => bench.readings > readings
    ? fetch('/api/state').then((response) => response.json()).then(({ reading }) =>
        resolve({ pressedAt, paintedAt: bench.paintedAt, result: reading.result }))
    : setTimeout(look, 5);
  look();
})`;

const pressSchema = z.object({ pressedAt: z.number(), paintedAt: z.number(), result: z.string() });
export type Press = z.infer<typeof pressSchema>;

/** What a page has, after a collection. */
export interface PageUse {
  /** Bytes of its script's objects. */
  readonly heap: number;
  readonly nodes: number;
  readonly listeners: number;
}

/** The page of a device in Debian's Chromium, without a window. */
export class BenchPage {
  readonly #browser: Browser;
  readonly #page: Page;
  readonly #inspector: CDPSession;

  private constructor(browser: Browser, page: Page, inspector: CDPSession) {
    this.#browser = browser;
    this.#page = page;
    this.#inspector = inspector;
  }

  /** @throws SpikescopeError `BENCH_BROWSER` where there is none, nothing to drive it with, or the page does not come */
  static async open(url: string): Promise<BenchPage> {
    const browser = await launched();
    const page = await browser.newPage({ viewport: SIZE });
    await page.addInitScript(WATCH);
    await page.goto(url);
    await page.locator('nav').waitFor();
    const inspector = await page.context().newCDPSession(page);
    await inspector.send('Performance.enable');
    return new BenchPage(browser, page, inspector);
  }

  async press(): Promise<Press> {
    return pressSchema.parse(await this.#page.evaluate<unknown>(PRESS));
  }

  /** Until so many readings have been shown since the page was opened. */
  async hasShown(readings: number): Promise<void> {
    await this.#until(`window.bench.readings >= ${readings}`);
  }

  /** Until the page is at the viewfinder again, and has drawn frames anew. */
  async aims(frames = 5): Promise<void> {
    const drawn = (await this.drawn()) + frames;
    await this.#until(
      `document.querySelector('.take .action:not([disabled])') !== null && window.bench.drawn >= ${drawn}`,
    );
  }

  /** Frames that were drawn since the page was opened. */
  async drawn(): Promise<number> {
    return z.number().parse(await this.#page.evaluate<unknown>('window.bench.drawn'));
  }

  /** Opens the view of that place in the navigation. */
  async open(place: number): Promise<void> {
    await this.#page.locator('nav button').nth(place).click();
  }

  async use(): Promise<PageUse> {
    await this.#inspector.send('HeapProfiler.collectGarbage');
    const { metrics } = await this.#inspector.send('Performance.getMetrics');
    const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
    return { heap: of('JSHeapUsedSize'), nodes: of('Nodes'), listeners: of('JSEventListeners') };
  }

  /** The page's policy forbids what playwright's own waiting does: evaluating texts within it. */
  async #until(condition: string): Promise<void> {
    const began = performance.now();
    while (!(await this.#page.evaluate<boolean>(condition))) {
      if (performance.now() - began > PATIENCE) {
        throw new SpikescopeError('BENCH_BROWSER', 'The page does not show what it should', {
          expected: condition,
          received: (await this.#page.locator('main').innerText()).slice(0, 200),
        });
      }
      await delay(10);
    }
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

async function launched(): Promise<Browser> {
  const driver = await import('playwright-core').catch(() => null);
  if (driver === null || !existsSync(PROGRAM)) {
    throw new SpikescopeError('BENCH_BROWSER', 'No browser can be driven here', {
      expected: `${PROGRAM} and the package playwright-core`,
      received: driver === null ? 'no playwright-core' : `no ${PROGRAM}`,
      remedy: 'apt-get install chromium, and npm install playwright-core',
    });
  }
  return driver.chromium.launch({ executablePath: PROGRAM, args: ['--no-sandbox', '--disable-gpu'] });
}
