import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { ExponentialBackoff } from 'cockatiel';
import { SpikescopeError } from '../../errors.ts';
import type { Edge, LineMonitor } from './button.ts';
import { findGpiod, type Gpiod } from './gpiod.ts';

export interface LineOptions {
  /** BCM numbers. */
  readonly pins: readonly number[];
  readonly onEdge: (edge: Edge) => void;
  /** Called when the monitor fails; it is started again after a pause. */
  readonly onFault: (fault: SpikescopeError) => void;
}

const PAUSES = { initialDelay: 200, maxDelay: 10_000 };

/**
 * Watches header pins through the GPIO character device with `gpiomon` (libgpiod 1 or 2): pulled up, both edges. The
 * time of an edge is when its line of text arrives.
 * @throws SpikescopeError `GPIO_MISSING` without gpiod or without a header
 */
export async function openGpiodLines(options: LineOptions): Promise<LineMonitor> {
  return new GpiodLines(await findGpiod(), options);
}

/** Arguments of gpiomon. */
export function gpiomonArguments({ chip, major }: Gpiod, pins: readonly number[]): string[] {
  const lines = pins.map(String);
  return major === 1
    ? ['--bias=pull-up', '--line-buffered', '--format=%o %e', chip, ...lines]
    : ['--chip', chip, '--bias', 'pull-up', '--edges', 'both', '--format', '%o %E', ...lines];
}

/** `17 falling` (libgpiod 2) or `17 0` (libgpiod 1); null for anything else. A button pulls its pin down. */
export function parseEdge(line: string): { readonly pin: number; readonly isDown: boolean } | null {
  const match = /^\s*(\d+)\s+(falling|rising|0|1)\s*$/.exec(line);
  return match && { pin: Number(match[1]), isDown: match[2] === 'falling' || match[2] === '0' };
}

class GpiodLines implements LineMonitor {
  readonly #chip: string;
  readonly #arguments: readonly string[];
  readonly #options: LineOptions;
  readonly #stopped = new AbortController();
  readonly #supervision: Promise<void>;

  constructor(gpiod: Gpiod, options: LineOptions) {
    this.#chip = gpiod.chip;
    this.#arguments = gpiomonArguments(gpiod, options.pins);
    this.#options = options;
    this.#supervision = this.#supervise();
  }

  describe(): string {
    return `buttons on ${this.#chip}, pins ${this.#options.pins.join(', ')}`;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#supervision;
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#stopped;
    for (let pause = new ExponentialBackoff(PAUSES).next(); ; pause = pause.next(undefined)) {
      const reason = await this.#monitor(signal);
      if (signal.aborted) return;
      this.#options.onFault(
        new SpikescopeError('GPIO_LOST', 'The buttons are not heard', {
          file: 'gpiomon',
          received: reason,
          remedy: 'check that no other program holds these pins: gpioinfo',
        }),
      );
      await delay(pause.duration, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
    }
  }

  /** One life of gpiomon, and what ended it. */
  async #monitor(signal: AbortSignal): Promise<string> {
    const child = spawn('gpiomon', this.#arguments, {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    });
    const said = collect(child);
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, by) =>
        resolve(`${by === null ? `exit code ${code}` : `signal ${by}`}${said()}`),
      );
    });
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const edge = parseEdge(line);
      if (edge !== null) this.#options.onEdge({ ...edge, at: performance.now() });
    });
    return ended;
  }
}

function collect(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    text = (text + bytes.toString()).slice(-300);
  });
  return () => (text.trim() ? `, “${text.trim().split('\n').at(-1)}”` : '');
}
