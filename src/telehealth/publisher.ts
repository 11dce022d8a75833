import { setTimeout as delay } from 'node:timers/promises';
import { SpikescopeError } from '../errors.ts';
import type { TelehealthClient } from './client.ts';

/** Where results wait until a broker has acknowledged them: the journal. */
export interface ResultQueue {
  /** The oldest `limit` results after `after` that are still to be published. */
  unpublished(after: number, limit: number): { readonly sequence: number; readonly payload: string }[];
  countUnpublished(after: number): number;
  markPublished(sequences: readonly number[]): void;
}

export interface PublisherOptions {
  readonly queue: ResultQueue;
  readonly client: TelehealthClient;
  /** Results up to this sequence number are not this publisher's. */
  readonly after: number;
  /** Whether somebody listens: nothing is sent while this is false. `wake` when it changes. */
  readonly isReady?: () => boolean;
  /** Called when the broker takes a connection but not a result. */
  readonly onRefused?: (reason: SpikescopeError) => void;
}

/** Results in flight at a time. */
const WINDOW = 16;
const PAUSE_AFTER_REFUSAL = 1_000;

/**
 * Publishes what is in the queue, oldest first, whenever the client is online. A result is marked as published after
 * the broker's acknowledgement, and sent again, with the same id, when that did not come.
 */
export class ResultPublisher {
  readonly #options: PublisherOptions;
  readonly #bells = new Set<() => void>();
  /** Everything up to here is published. */
  #cursor: number;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#cursor = options.after;
  }

  /** Says that something has changed: a new result, a connection, a listener. */
  wake(): void {
    for (const ring of [...this.#bells]) ring();
  }

  /** How many results wait. */
  waiting(): number {
    return this.#options.queue.countUnpublished(this.#cursor);
  }

  /** Works until `signal` aborts. Rejects only when the queue fails. */
  async run(signal: AbortSignal): Promise<void> {
    const { queue, client, isReady = () => true } = this.#options;
    while (!signal.aborted) {
      const batch = client.isOnline && isReady() ? queue.unpublished(this.#cursor, WINDOW) : [];
      if (batch.length === 0) {
        await this.#rung(signal);
      } else if (!(await this.#send(batch))) {
        await delay(PAUSE_AFTER_REFUSAL, undefined, { signal }).catch(() => {});
      }
    }
  }

  /**
   * Waits until nothing waits, and gives up after `patience` ms without progress.
   * @returns how many results still wait
   */
  async settle(patience: number, signal: AbortSignal): Promise<number> {
    let waiting = this.waiting();
    let patient = AbortSignal.timeout(patience);
    while (waiting > 0 && !signal.aborted && !patient.aborted) {
      await this.#rung(AbortSignal.any([signal, patient]));
      const now = this.waiting();
      if (now < waiting) patient = AbortSignal.timeout(patience);
      waiting = now;
    }
    return this.waiting();
  }

  async #send(batch: readonly { sequence: number; payload: string }[]): Promise<boolean> {
    const { queue, client, onRefused } = this.#options;
    const outcomes = await Promise.allSettled(batch.map(({ payload }) => client.publishResult(payload)));
    const acknowledged = batch.filter((_, i) => outcomes[i].status === 'fulfilled');
    if (acknowledged.length > 0) queue.markPublished(acknowledged.map(({ sequence }) => sequence));
    const failed = outcomes.findIndex(({ status }) => status === 'rejected');
    this.#cursor = failed < 0 ? batch[batch.length - 1].sequence : batch[failed].sequence - 1;
    this.wake();
    const outcome = outcomes[failed];
    if (outcome === undefined || outcome.status === 'fulfilled') return true;
    if (!(outcome.reason instanceof SpikescopeError)) throw outcome.reason;
    if (client.isOnline) onRefused?.(outcome.reason);
    return false;
  }

  #rung(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const ring = (): void => {
        this.#bells.delete(ring);
        signal.removeEventListener('abort', ring);
        resolve();
      };
      if (signal.aborted) return resolve();
      this.#bells.add(ring);
      signal.addEventListener('abort', ring);
    });
  }
}
