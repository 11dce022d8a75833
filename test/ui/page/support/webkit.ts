/**
 * WebKitGTK, driven over the WebDriver protocol (https://www.w3.org/TR/webdriver2/) on a display in memory: Debian's
 * packages webkit2gtk-driver and xvfb.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { freePort } from '../../../support/mosquitto.ts';

const [DRIVER, DISPLAY] = ['/usr/bin/WebKitWebDriver', '/usr/bin/Xvfb'];
const MACHINE = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const BROWSER = `/usr/lib/${MACHINE}-linux-gnu/webkit2gtk-4.1/MiniBrowser`;
export const hasWebKit = [DRIVER, DISPLAY, BROWSER].every((program) => existsSync(program));

const answerSchema = z.object({ value: z.unknown() });
const errorSchema = z.object({ error: z.string(), message: z.string() });
const sessionSchema = z.object({ sessionId: z.string() });
/** The key under which the protocol hands out elements. */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';
const elementSchema = z.object({ [ELEMENT]: z.string() });

/** Height of MiniBrowser's bar, pixels. */
const BAR = 38;
/** Milliseconds that something on the page may take to come. */
const PATIENCE = 30_000;

const LISTEN = `
  globalThis.faults = [];
  addEventListener('error', ({ message }) => faults.push(message));
  addEventListener('unhandledrejection', ({ reason }) => faults.push(String(reason)));
  addEventListener('securitypolicyviolation', ({ violatedDirective }) => faults.push(violatedDirective));`;

export class WebKit {
  readonly #programs: readonly ChildProcess[];
  readonly #session: string;

  private constructor(programs: readonly ChildProcess[], session: string) {
    this.#programs = programs;
    this.#session = session;
  }

  static async start(): Promise<WebKit> {
    const display = spawn(DISPLAY, ['-displayfd', '3', '-screen', '0', '1400x1400x24', '-nolisten', 'tcp'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    const number = await firstLine(display.stdio[3] as NodeJS.ReadableStream);
    const port = await freePort();
    // The browser's own confinement wants user namespaces, which containers refuse.
    const driver = spawn(DRIVER, [`--port=${port}`], {
      stdio: 'ignore',
      env: { ...process.env, DISPLAY: `:${number}`, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' },
    });
    const base = `http://127.0.0.1:${port}`;
    await until(async () => (await fetch(`${base}/status`)).ok);
    const options = {
      binary: BROWSER,
      args: ['--automation'],
    };
    const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': options } };
    const { sessionId } = sessionSchema.parse(await request('POST', `${base}/session`, { capabilities }));
    return new WebKit([driver, display], `${base}/session/${sessionId}`);
  }

  async open(url: string): Promise<void> {
    await request('POST', `${this.#session}/url`, { url });
    await this.run(LISTEN);
  }

  /** Errors of the page and breaches of its policy since it was opened. */
  async faults(): Promise<string[]> {
    return z.array(z.string()).parse(await this.run('return globalThis.faults'));
  }

  /** @param script a function's body, run in the page @param args what it is given */
  run(script: string, ...args: unknown[]): Promise<unknown> {
    return request('POST', `${this.#session}/execute/sync`, { script, args });
  }

  /** Makes the page itself so large: the browser has a bar above it. */
  async resize({ width, height }: { width: number; height: number }): Promise<void> {
    await request('POST', `${this.#session}/window/rect`, { width, height: height + BAR });
    await this.see(`innerWidth === ${width} && innerHeight === ${height}`);
  }

  /** @param condition an expression of the page, waited for until it holds */
  async see(condition: string): Promise<void> {
    await until(async () => (await this.run(`return Boolean(${condition})`)) === true, condition);
  }

  /** A press by a pointer. @param words all that the button bears */
  async press(words: string): Promise<void> {
    const found = `[...document.querySelectorAll('button')].find((each) =>
      each.innerText.trim() === ${JSON.stringify(words)})`;
    await this.see(found);
    const element = elementSchema.parse(await this.run(`return ${found}`))[ELEMENT];
    await request('POST', `${this.#session}/element/${element}/click`, {});
  }

  async photograph(): Promise<Buffer> {
    return Buffer.from(z.string().parse(await request('GET', `${this.#session}/screenshot`)), 'base64');
  }

  async stop(): Promise<void> {
    await request('DELETE', this.#session).catch(() => undefined);
    for (const program of this.#programs) program.kill();
  }
}

async function request(method: 'GET' | 'POST' | 'DELETE', url: string, body?: unknown): Promise<unknown> {
  const response = await fetch(url, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const { value } = answerSchema.parse(await response.json());
  if (response.ok) return value;
  const { error, message } = errorSchema.parse(value);
  throw new Error(`${method} ${url} was answered with ${error}: ${message}`);
}

async function until(condition: () => Promise<boolean>, what = 'the driver'): Promise<void> {
  const end = Date.now() + PATIENCE;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > end) throw new Error(`${what} did not come within ${PATIENCE / 1000} s`);
    await sleep(50);
  }
}

function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => createInterface({ input: stream }).once('line', resolve));
}
