import type { Journal } from '../store/journal.ts';
import { type Operation, type Override, overrideRecord } from './records.ts';
import type { Refresh } from './trust/refresh.ts';

/**
 * What a person has taken although its time is over. Each document is in the journal before anything is done with what it
 * leads to.
 */
export class OverrideLog {
  readonly #journal: Journal;
  readonly #operation: Operation;
  readonly #refresh: Refresh;
  readonly #time: Date;
  readonly #reason: string | null;
  readonly #expired = new Map<string, string>();

  /** @param reason null where nothing is taken that has expired */
  constructor(
    journal: Journal,
    operation: Operation,
    refresh: Refresh,
    { time, reason }: { time: Date; reason: string | null },
  ) {
    this.#journal = journal;
    this.#operation = operation;
    this.#refresh = refresh;
    this.#time = time;
    this.#reason = reason;
  }

  /** All that was taken; null where nothing was. */
  get override(): Override | null {
    if (this.#reason === null || this.#expired.size === 0) return null;
    return {
      reason: this.#reason,
      expired: [...this.#expired].map(([role, expires]) => ({ role, expires })),
    };
  }

  /** Looks at what is trusted by now, and records what of it is new and over. */
  note(): void {
    if (this.#reason === null) return;
    const fresh = this.#refresh
      .documents()
      .filter(({ role, signed }) => !this.#expired.has(role) && signed.isExpired(this.#time))
      .map(({ role, signed }) => ({ role, expires: signed.expires }));
    if (fresh.length === 0) return;
    this.#journal.record([overrideRecord(this.#operation, { reason: this.#reason, expired: fresh })]);
    for (const { role, expires } of fresh) this.#expired.set(role, expires);
  }
}
