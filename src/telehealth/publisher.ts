import { setTimeout as delay } from 'node:timers/promises';
import { SpikescopeError } from '../errors.ts';
import type { ClassTables } from '../model/bundle/class-table.ts';
import { CHANNELS, type Channel } from '../store/channels.ts';
import type { MessageKey, QueuedMessage } from '../store/outbox.ts';
import { Backoff } from './backoff.ts';
import type { Publication } from './connection.ts';
import { publicationOf } from './message.ts';
import type { ResultVersion } from './older-result.ts';
import type { Topics } from './topics.ts';

/** Where messages wait until a broker has acknowledged them: the journal. */
export interface MessageQueue {
  /** The oldest messages, in order. @param channels those of these alone */
  waiting(limit: number, channels: readonly Channel[]): QueuedMessage[];
  depth(): number;
  acknowledge(messages: readonly MessageKey[]): void;
}

/** What the publisher asks of the device's connection. */
export interface Sender {
  readonly topics: Topics;
  readonly isOnline: boolean;
  /** Resolved when the broker has acknowledged; rejects with a SpikescopeError. */
  publish(publication: Publication): Promise<void>;
  /** The same for what results can do without: whether the broker has acknowledged. Never rejects. */
  attempt(publication: Publication): Promise<boolean>;
  /** Whether the broker has shown that it does not let this device use a topic. */
  isGivenUp(topic: string): boolean;
}

export interface PublisherOptions {
  readonly queue: MessageQueue;
  readonly client: Sender;
  /** What results in FHIR form say of their classes. Default: the model's own names. */
  readonly classTables?: ClassTables;
  /** Version of results that receivers read at most. Default: the newest. */
  readonly newestResult?: ResultVersion;
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
  readonly #waiters = new Set<() => void>();
  readonly #rounds = new Set<() => void>();
  /** Messages that this broker cannot be sent; they stay in the queue, and others go past them. */
  readonly #aside = new Set<string>();

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? new Backoff({ shortest: 1000 });
  }

  /** Says that something has changed: a new result, a connection. */
  wake(): void {
    for (const notify of [...this.#waiters]) notify();
  }

  /** Resolved when what waits now has had its turn, whatever became of it; when there is a connection. */
  round(): Promise<void> {
    return new Promise((resolve) => this.#rounds.add(resolve));
  }

  /** Works until `signal` aborts. Rejects only when the queue fails. */
  async run(signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    while (!signal.aborted) {
      const { isOnline } = client;
      const batch = isOnline ? this.#next() : [];
      const isDone = batch.length === 0 || (await this.#send(batch, signal));
      if (isOnline) this.#endRound();
      if (batch.length === 0) {
        await this.#notified(signal);
      } else if (isDone) {
        this.#backoff.reset();
      } else {
        await delay(this.#backoff.next(), undefined, { signal }).catch(() => {});
      }
    }
    this.#endRound();
  }

  /**
   * Waits until nothing waits that can be sent, and gives up after `patience` ms without progress.
   * @returns how many messages still wait
   */
  async settle(patience: number, signal: AbortSignal): Promise<number> {
    const { queue } = this.#options;
    let waiting = queue.depth();
    const patient = new AbortController();
    let timer = setTimeout(() => patient.abort(), patience);
    const either = AbortSignal.any([signal, patient.signal]);
    while (waiting > 0 && !either.aborted && !this.#isStuck()) {
      await this.#notified(either);
      const now = queue.depth();
      if (now < waiting) {
        clearTimeout(timer);
        timer = setTimeout(() => patient.abort(), patience);
      }
      waiting = now;
    }
    clearTimeout(timer);
    return queue.depth();
  }

  #next(): QueuedMessage[] {
    const { queue, client } = this.#options;
    const channels = CHANNELS.filter(
      (channel) => channel === 'result' || !client.isGivenUp(client.topics[channel]),
    );
    return queue
      .waiting(BATCH + this.#aside.size, channels)
      .filter((message) => !this.#aside.has(keyOf(message)));
  }

  /** Whether all that waits is what the broker does not take. */
  #isStuck(): boolean {
    const { isOnline } = this.#options.client;
    return isOnline && this.#next().length === 0 && this.#options.queue.depth() > 0;
  }

  #endRound(): void {
    for (const resolve of this.#rounds) resolve();
    this.#rounds.clear();
  }

  /** @returns whether every result was acknowledged */
  async #send(batch: readonly QueuedMessage[], signal: AbortSignal): Promise<boolean> {
    const { queue, client, onAcknowledged, onFullBatch, onRefused } = this.#options;
    const acknowledged: QueuedMessage[] = [];
    const failures: unknown[] = [];
    const sendSession = async (
      session: readonly QueuedMessage[],
      send: (message: QueuedMessage) => Promise<boolean>,
    ): Promise<void> => {
      try {
        for (const message of session) {
          if (signal.aborted) return;
          if (await send(message)) acknowledged.push(message);
        }
      } catch (error) {
        failures.push(error);
      }
    };
    const sendAll = (channel: Channel, send: (message: QueuedMessage) => Promise<boolean>): Promise<void> => {
      const sessions = sessionsOf(batch.filter((message) => message.channel === channel));
      return settledOrAborted(
        sessions.map((session) => sendSession(session, send)),
        signal,
      );
    };
    // At the end a silent broker is not waited for: what it has not acknowledged by then is sent again another time.
    await sendAll('result', (message) => this.#sendResult(message));
    // What results can do without comes after them, and holds none up.
    if (failures.length === 0) {
      await sendAll('label', (message) => this.#sendOptional(message));
      await sendAll('fhir', (message) => this.#sendOptional(message));
    }
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

  async #sendResult(message: QueuedMessage): Promise<boolean> {
    const { client, classTables, newestResult, onSending } = this.#options;
    onSending?.(message);
    try {
      await client.publish(publicationOf(message, client.topics, classTables, newestResult));
      return true;
    } catch (error) {
      if (!(error instanceof SpikescopeError) || error.code !== 'BROKER_UNFIT') throw error;
      this.#setAside(message, error);
      return false;
    }
  }

  async #sendOptional(message: QueuedMessage): Promise<boolean> {
    const { client, classTables, onSending } = this.#options;
    try {
      const publication = publicationOf(message, client.topics, classTables);
      if (client.isGivenUp(publication.topic)) return false;
      onSending?.(message);
      return await client.attempt(publication);
    } catch (error) {
      if (!(error instanceof SpikescopeError)) throw error;
      this.#setAside(message, error);
      return false;
    }
  }

  #setAside(message: QueuedMessage, reason: SpikescopeError): void {
    this.#aside.add(keyOf(message));
    this.#options.onRefused?.(reason);
  }

  #notified(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const notify = (): void => {
        this.#waiters.delete(notify);
        signal.removeEventListener('abort', notify);
        resolve();
      };
      if (signal.aborted) return resolve();
      this.#waiters.add(notify);
      signal.addEventListener('abort', notify);
    });
  }
}

function keyOf({ sequence, channel }: MessageKey): string {
  return `${channel} ${sequence}`;
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
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', finish);
    void Promise.all(tasks).then(finish);
  });
}
