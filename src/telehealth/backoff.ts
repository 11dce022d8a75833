import { ExponentialBackoff, halfJitterGenerator, type IBackoff, type IBackoffFactory } from 'cockatiel';

const SHORTEST_PAUSE = 250;
const LONGEST_PAUSE = 30_000;

/**
 * Pauses between attempts: doubling from a quarter of a second to thirty seconds, each spread by half of itself, so
 * that devices which lost their broker together do not come back in step.
 */
export class Backoff {
  readonly #first: IBackoffFactory<unknown>;
  #last: IBackoff<unknown> | null = null;

  constructor({ shortest = SHORTEST_PAUSE, longest = LONGEST_PAUSE } = {}) {
    this.#first = new ExponentialBackoff({
      generator: halfJitterGenerator,
      initialDelay: shortest,
      maxDelay: longest,
    });
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    this.#last = (this.#last ?? this.#first).next(undefined);
    return this.#last.duration;
  }

  /** Starts over: an attempt has succeeded. */
  reset(): void {
    this.#last = null;
  }
}
