import type { SpikescopeError } from '../../errors.ts';
import { type Log, NO_LOG } from './log.ts';

/** Faults that the appliance recovers from by itself: told in words, and to the log from when that is open. */
export class Faults {
  readonly #say: (line: string) => void;
  #log: Log = NO_LOG;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  follow(log: Log): void {
    this.#log = log;
  }

  tell(fault: SpikescopeError): void {
    this.#say(`${fault.describe()}; trying again`);
    this.#log.write({ event: 'fault', code: fault.code });
  }
}
