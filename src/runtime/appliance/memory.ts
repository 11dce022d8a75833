import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';

type Collector = (options?: { type: 'minor' }) => void;

const collectorSchema = z.custom<Collector>((value) => typeof value === 'function');

/** V8's collector, which it gives only to contexts made while this flag is set; null where it gives none. */
export function openCollector(): Collector | null {
  setFlagsFromString('--expose-gc');
  const collector = collectorSchema.safeParse(runInNewContext('globalThis.gc')).data ?? null;
  setFlagsFromString('--no-expose-gc');
  return collector;
}

/** Captures from one collection of the whole heap to the next. */
const FULL_EVERY = 64;

/**
 * Frees what captures leave behind, at a time of our choosing. A decoded frame is some 800 kB outside V8's heap, of
 * which V8 notices only a small handle: left alone it collects late, and the process grows by tens of megabytes
 * before it does. A capture's garbage dies young, so a collection of the young generation (about half a
 * millisecond) after each capture keeps the process small and level; a full one now and then takes the rest.
 */
export class MemoryKeeper {
  readonly #collect = openCollector();
  #captures = 0;

  /** Call when a capture is done with: nothing waits for the answer at that moment. */
  afterCapture(): void {
    this.#captures++;
    if (this.#captures % FULL_EVERY === 0) this.#collect?.();
    else this.#collect?.({ type: 'minor' });
  }
}
