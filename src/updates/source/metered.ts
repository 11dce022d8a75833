import { setTimeout as delay } from 'node:timers/promises';
import { SpikescopeError } from '../../errors.ts';
import type { Opened, Source } from './source.ts';

export interface MeterOptions {
  /** Bytes per second at most, on the average; null for no limit. */
  readonly rate: number | null;
  /** Monotonic milliseconds after which nothing more is read. Default: never. */
  readonly until?: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
  readonly sleep?: (milliseconds: number) => Promise<unknown>;
}

/** Bytes that may be ahead of the rate at once: time in which nothing was read is not made up for with more. */
const BURST = 65_536;

/**
 * A source of which is counted what comes, and which is read no faster and no longer than it may be: after each piece it is
 * waited for as long as the piece may take, and the network holds the sender back meanwhile.
 */
export class MeteredSource implements Source {
  readonly kind: Source['kind'];
  readonly #source: Source;
  readonly #options: Required<MeterOptions>;
  /** When what was read may all have come, monotonic milliseconds. */
  #due = -Infinity;
  #bytes = 0;

  constructor(source: Source, options: MeterOptions) {
    this.kind = source.kind;
    this.#source = source;
    this.#options = { until: Infinity, now: () => performance.now(), sleep: delay, ...options };
  }

  /** Bytes of files that have come. */
  get bytes(): number {
    return this.#bytes;
  }

  describe(): string {
    return this.#source.describe();
  }

  /** @throws SpikescopeError `SOURCE_WINDOW` when its time is over, also while pieces are taken */
  async open(name: readonly string[], from: number): Promise<Opened | null> {
    this.#requireTime(name);
    const opened = await this.#source.open(name, from);
    return opened && { ...opened, pieces: this.#metered(opened.pieces, name) };
  }

  async *#metered(pieces: AsyncIterable<Uint8Array>, name: readonly string[]): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      this.#bytes += piece.length;
      await this.#wait(piece.length);
      yield piece;
      this.#requireTime(name);
    }
  }

  async #wait(bytes: number): Promise<void> {
    const { rate, now, sleep } = this.#options;
    if (rate === null) return;
    this.#due = Math.max(this.#due, now() - (BURST / rate) * 1000) + (bytes / rate) * 1000;
    const wait = this.#due - now();
    if (wait > 0) await sleep(wait);
  }

  #requireTime(name: readonly string[]): void {
    const { until, now } = this.#options;
    if (now() < until) return;
    throw new SpikescopeError(
      'SOURCE_WINDOW',
      'The hours in which this device may use the network are over',
      {
        file: name.join('/'),
        remedy: 'none is needed: it goes on where it was in the next of them; or give --now',
      },
    );
  }
}
