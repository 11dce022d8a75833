/** Limits of what counts as a finger, milliseconds. */
export interface DebounceLimits {
  /** A level counts once it has lasted so long; contacts bounce for 1 to 20. */
  readonly settle: number;
  /** A button that is down for longer is stuck, or something lies on it. */
  readonly stuck: number;
  /** More edges than this within a second come from no finger. */
  readonly edgesPerSecond: number;
}

export const DEFAULT_LIMITS: DebounceLimits = { settle: 40, stuck: 10_000, edgesPerSecond: 60 };

export type DebouncedEvent = 'pressed' | 'stuck' | 'noisy' | 'released';

/**
 * One button's edges, made into presses. A press is told once the button has been down, without a bounce, for the
 * settling time; the next one only after it has been up as long. A stuck button pressed once and says so; a noisy one
 * says so and is deaf until it has been quiet for a second. Neither blocks anything else.
 *
 * Time is given from outside, in milliseconds, never falling.
 */
export class Debouncer {
  readonly #limits: DebounceLimits;
  #level = false;
  #levelSince = Number.NEGATIVE_INFINITY;
  #settled = false;
  #isStuck = false;
  #isNoisy = false;
  #edges: number[] = [];

  constructor(limits: DebounceLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  /** A change of the line; what had settled by then is told first. */
  edge(isDown: boolean, now: number): DebouncedEvent[] {
    const events = this.tick(now);
    this.#edges = [...this.#edges.filter((at) => at > now - 1000), now];
    if (isDown !== this.#level) {
      this.#level = isDown;
      this.#levelSince = now;
    }
    if (!this.#isNoisy && this.#edges.length > this.#limits.edgesPerSecond) {
      this.#isNoisy = true;
      events.push('noisy');
    }
    return events;
  }

  /** What has settled by `now`. */
  tick(now: number): DebouncedEvent[] {
    const { settle, stuck } = this.#limits;
    const lasted = now - this.#levelSince;
    if (this.#isNoisy) {
      const last = this.#edges.at(-1);
      if (last !== undefined && now - last < 1000) return [];
      this.#isNoisy = false;
      // Whatever the level is after the noise, nobody pressed it there.
      this.#settled = this.#level;
      this.#isStuck = this.#level;
      return [];
    }
    if (this.#level !== this.#settled && lasted >= settle) {
      this.#settled = this.#level;
      if (this.#level) return ['pressed'];
      const wasStuck = this.#isStuck;
      this.#isStuck = false;
      return wasStuck ? ['released'] : [];
    }
    if (this.#settled && this.#level && !this.#isStuck && lasted >= stuck) {
      this.#isStuck = true;
      return ['stuck'];
    }
    return [];
  }
}
