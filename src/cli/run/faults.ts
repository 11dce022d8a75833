import type { SpikescopeError } from '../../errors.ts';
import { note } from '../console.ts';
import { type Log, NO_LOG } from './log.ts';

/** Faults that the appliance recovers from by itself: told in words, and to the log from when that is open. */
export class Faults {
  #log: Log = NO_LOG;

  follow(log: Log): void {
    this.#log = log;
  }

  tell(fault: SpikescopeError): void {
    note(`${fault.describe()}; trying again`);
    this.#log.write({ event: 'fault', code: fault.code });
  }
}
