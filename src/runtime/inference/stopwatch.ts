import type { Timings } from './reading.ts';

type Stage = Exclude<keyof Timings, 'total'>;

/** Adds up milliseconds per stage of one classification. */
export class Stopwatch {
  readonly #started = performance.now();
  readonly #stages: Record<Stage, number> = { decode: 0, quality: 0, crop: 0, inference: 0, readout: 0 };

  /** Runs a piece of work on a stage's account; a stage may be entered several times. */
  measure<T>(stage: Stage, work: () => T): T {
    const started = performance.now();
    const result = work();
    this.#stages[stage] += performance.now() - started;
    return result;
  }

  /** As `measure`, until the promise settles: waiting for a busy engine counts. */
  async measureAsync<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.#stages[stage] += performance.now() - started;
    }
  }

  timings(): Timings {
    return { ...this.#stages, total: performance.now() - this.#started };
  }
}
