import type { Capture, CaptureSource } from '../../capture/source.ts';

/** Milliseconds: an older frame does not show what it was asked for. */
const FRESHNESS = 2000;

/**
 * A source's frames, one at each asking. When an asking is given up, the frame that comes for it later serves the next
 * one if it is fresh by then.
 */
export class FrameFeed {
  readonly #frames: AsyncIterator<Capture>;
  #coming: Promise<IteratorResult<Capture>> | null = null;

  /** @param ended aborts when no more frames are wanted */
  constructor(source: CaptureSource, ended: AbortSignal) {
    this.#frames = source.frames(ended)[Symbol.asyncIterator]();
  }

  /**
   * The next frame; null when the source has ended.
   * @param signal gives the asking up
   * @throws SpikescopeError when the source fails
   */
  async next(signal: AbortSignal): Promise<Capture | null> {
    for (;;) {
      const isLeftOver = this.#coming !== null;
      this.#coming ??= this.#frames.next();
      const coming = this.#coming;
      const { value, done } = await unlessAborted(coming, signal);
      this.#coming = null;
      if (done) return null;
      if (!isLeftOver || Date.now() - value.capturedAt.getTime() < FRESHNESS) return value;
    }
  }
}

/** Leaves no listener behind: a signal made of others lives for as long as it has one. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason);
    if (signal.aborted) return giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
