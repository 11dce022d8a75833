import { randomUUID } from 'node:crypto';

/** A capture of before this start, as the journal has it. */
export interface LastCapture {
  readonly session: string;
  /** ISO 8601, UTC, by the clock of then. */
  readonly capturedAt: string;
}

export interface Clocks {
  /** Milliseconds since 1970, by a clock that may be wrong and jump. */
  wall(): number;
  /** Milliseconds, never falling. */
  steady(): number;
}

/** Milliseconds without a capture after which the next one is taken for another patient's. */
export const SESSION_REST = 10 * 60_000;

const CLOCKS: Clocks = { wall: () => Date.now(), steady: () => performance.now() };

/**
 * Which captures belong to one patient, so that their results keep their order on the way. No button of the header says when
 * a patient leaves, a screen may: a session lasts while captures follow each other, also over a restart. In doubt, as with a
 * clock that was set back, it lasts: results of two patients in one order harm nobody, those of one in disorder may.
 */
export class PatientSessions {
  readonly #clocks: Clocks;
  #session: string | null;
  /** Of the last capture, on the steady clock. */
  #last: number;

  /** @param before the last capture of an earlier run; null where there is none */
  constructor(before: LastCapture | null, clocks: Clocks = CLOCKS) {
    this.#clocks = clocks;
    this.#session = before?.session ?? null;
    const rested = before === null ? 0 : clocks.wall() - Date.parse(before.capturedAt);
    this.#last = clocks.steady() - Math.max(0, rested);
  }

  /** Whether a capture that is taken now may be of the last patient. */
  get isOpen(): boolean {
    return this.#session !== null && this.#clocks.steady() - this.#last < SESSION_REST;
  }

  /** The next capture is of another patient. */
  end(): void {
    this.#session = null;
  }

  /** The session of a capture that is taken now. */
  next(): string {
    if (this.#session === null || !this.isOpen) this.#session = randomUUID();
    this.#last = this.#clocks.steady();
    return this.#session;
  }
}
