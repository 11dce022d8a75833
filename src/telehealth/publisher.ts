import { setTimeout as delay } from 'node:timers/promises';
import { SpikescopeError } from '../errors.ts';
import type { ClassTables } from '../model/bundle/class-table.ts';
import type { MessageKey, QueuedMessage } from '../store/outbox.ts';
import { Backoff } from './backoff.ts';
import type { Publication } from './connection.ts';
import { publicationOf } from './message.ts';
import type { Topics } from './topics.ts';

/** Where messages wait until a broker has acknowledged them: the journal. */
export interface MessageQueue {
  /** The oldest messages, in order. */
  waiting(limit: number): QueuedMessage[];
  depth(): number;
  acknowledge(messages: readonly MessageKey[]): void;
}

/** What the publisher asks of the device's connection. */
export interface Sender {
  readonly topics: Topics;
  readonly isOnline: boolean;
  /** Resolved when the broker has acknowledged; rejects with a SpikescopeError. */
  publish(publication: Publication): Promise<void>;
}

export interface PublisherOptions {
  readonly queue: MessageQueue;
  readonly client: Sender;
  /** What results in FHIR form say of their classes. Default: the model's own names. */
  readonly classTables?: ClassTables;
  /** Called when a message is about to be sent; again at each attempt. */
  readonly onSending?: (message: QueuedMessage) => void;
  /** Called when the broker has acknowledged a message, after that has been recorded. */
  readonly onAcknowledged?: (message: QueuedMessage) => void;
  /** Called when a full batch is done with, as in the working off of a long queue; nothing waits for an answer then. */
  readonly onFullBatch?: () => void;
  /** Called when a message was not taken although there is a connection. */
  readonly onRefused?: (reason: SpikescopeError) => void;
  /** Pauses after a message was not taken. */
  readonly backoff?: Backoff;
}

/** Messages that are taken from the queue at a time; the connection lets fewer into flight. */
const BATCH = 64;

/**
 * Publishes what is in the queue, oldest first, whenever the client is online. A message leaves the queue after the
 * broker's acknowledgement and is sent again, the very same, when that did not come. Within a session a message
 * waits for the acknowledgement of the one before it, so that not even a refusal lets one overtake another.
 */
export class ResultPublisher {
  readonly #options: PublisherOptions;
  readonly #backoff: Backoff;
  readonly #bells = new Set<() => void>();

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? new Backoff({ shortest: 1000 });
  }

  /** Says that something has changed: a new result, a connection. */
  wake(): void {
    for (const ring of [...this.#bells]) ring();
  }

  /** Works until `signal` aborts. Rejects only when the queue fails. */
  async run(signal: AbortSignal): Promise<void> {
    const { queue, client } = this.#options;
    while (!signal.aborted) {
      const batch = client.isOnline ? queue.waiting(BATCH) : [];
      if (batch.length === 0) {
        await this.#rung(signal);
      } else if (await this.#send(batch, signal)) {
        this.#backoff.reset();
      } else {
        await delay(this.#backoff.next(), undefined, { signal }).catch(() => {});
      }
    }
  }

  /**
   * Waits until nothing waits, and gives up after `patience` ms without progress.
   * @returns how many messages still wait
   */
  async settle(patience: number, signal: AbortSignal): Promise<number> {
    const { queue } = this.#options;
    let waiting = queue.depth();
    let patient = AbortSignal.timeout(patience);
    while (waiting > 0 && !signal.aborted && !patient.aborted) {
      await this.#rung(AbortSignal.any([signal, patient]));
      const now = queue.depth();
      if (now < waiting) patient = AbortSignal.timeout(patience);
      waiting = now;
    }
    return queue.depth();
  }

  /** @returns whether every message was acknowledged */
  async #send(batch: readonly QueuedMessage[], signal: AbortSignal): Promise<boolean> {
    const { queue, client, classTables, onSending, onAcknowledged, onFullBatch, onRefused } = this.#options;
    const acknowledged: QueuedMessage[] = [];
    const failures: unknown[] = [];
    const sendSession = async (session: readonly QueuedMessage[]): Promise<void> => {
      try {
        for (const message of session) {
          if (signal.aborted) return;
          onSending?.(message);
          await client.publish(publicationOf(message, client.topics, classTables));
          acknowledged.push(message);
        }
      } catch (error) {
        failures.push(error);
      }
    };
    // At the end a silent broker is not waited for: what it has not acknowledged by then is sent again another time.
    await settledOrAborted(sessionsOf(batch).map(sendSession), signal);
    queue.acknowledge(acknowledged.sort((a, b) => a.sequence - b.sequence));
    for (const message of acknowledged) onAcknowledged?.(message);
    if (batch.length === BATCH) onFullBatch?.();
    this.wake();
    if (failures.length === 0) return true;
    const [failure] = failures;
    if (!(failure instanceof SpikescopeError)) throw failure;
    if (client.isOnline) onRefused?.(failure);
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

/** Messages by their session, sessions in the order of their first message. */
function sessionsOf(batch: readonly QueuedMessage[]): QueuedMessage[][] {
  const sessions = new Map<string, QueuedMessage[]>();
  for (const message of batch) {
    const known = sessions.get(message.session);
    if (known) known.push(message);
    else sessions.set(message.session, [message]);
  }
  return [...sessions.values()];
}

/** Leaves nothing behind at `signal`, which lives as long as the process. */
function settledOrAborted(tasks: Promise<void>[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      signal.removeEventListener('abort', finish);
      resolve();
    };
    signal.addEventListener('abort', finish);
    void Promise.all(tasks).then(finish);
  });
}
