import type { Patient } from '../../telehealth/patient-context.ts';
import { SESSION_REST } from './patient-sessions.ts';

/**
 * Of whom the next captures are, as somebody has said at a screen; in memory alone. What is not used for as long as a
 * session rests is forgotten, so that nobody's pseudonym comes to stand with another's lesion.
 */
export class PatientContext {
  readonly #steady: () => number;
  #said: Patient | null = null;
  /** When it was said or used last, steady milliseconds. */
  #last = 0;

  /** By the configuration; where not, nothing is kept. */
  readonly allowed: boolean;

  constructor(allowed: boolean, steady: () => number = () => performance.now()) {
    this.allowed = allowed;
    this.#steady = steady;
  }

  get current(): Patient | null {
    if (this.#said !== null && this.#steady() - this.#last >= SESSION_REST) this.#said = null;
    return this.#said;
  }

  /** @returns whether it is another visit or patient than before */
  set(said: Patient | null): boolean {
    const before = this.current;
    this.#said = this.allowed ? said : null;
    this.#last = this.#steady();
    return before?.encounter !== this.#said?.encounter || before?.subject !== this.#said?.subject;
  }

  /** For a capture that is taken now. */
  use(): Patient | null {
    const { current } = this;
    this.#last = this.#steady();
    return current;
  }
}
