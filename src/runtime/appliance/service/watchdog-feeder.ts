/** A part that shows that it works by doing a little of its work. Rejects, or does not settle, when it does not. */
export type HealthCheck = () => Promise<void>;

/**
 * Feeds a watchdog from progress: each beat makes every part do a little real work, one after the other, and only when
 * all have is the watchdog fed. A part that hangs or fails feeds nothing, and the supervisor acts.
 */
export class WatchdogFeeder {
  readonly #checks: readonly HealthCheck[];
  readonly #feed: () => void;
  readonly #onFault: (error: unknown) => void;
  readonly #interval: number;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /**
   * @param interval milliseconds from the end of one beat to the next
   * @param onFault called when a part fails; it is asked again at the next beat
   */
  constructor(
    checks: readonly HealthCheck[],
    feed: () => void,
    { interval, onFault }: { readonly interval: number; readonly onFault: (error: unknown) => void },
  ) {
    this.#checks = checks;
    this.#feed = feed;
    this.#interval = interval;
    this.#onFault = onFault;
  }

  start(): void {
    void this.#beat();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #beat(): Promise<void> {
    try {
      for (const check of this.#checks) await check();
      if (!this.#isStopped) this.#feed();
    } catch (error) {
      this.#onFault(error);
    }
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#beat(), this.#interval);
  }
}
