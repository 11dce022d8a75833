import { SpikescopeError } from '../errors.ts';
import { Connection } from './connection.ts';
import type { Endpoint } from './endpoint.ts';
import { keepConnected } from './link.ts';
import { type Topics, topicsOf } from './topics.ts';

export interface SubscriberOptions {
  readonly endpoint: Endpoint;
  readonly device: string;
  /** Default: those of `device` below the usual prefix. */
  readonly topics?: Topics;
  readonly onResult: (payload: string) => void;
  /** Called at each change: subscribed, or not any more. */
  readonly onChange?: () => void;
  readonly onLost?: (reason: SpikescopeError) => void;
}

/** Seconds that a broker keeps results for a subscriber that has lost its connection. */
const SESSION_EXPIRY = 3600;

/** Receives a device's results from the broker, over a connection of its own, as any other subscriber does. */
export class ResultSubscriber {
  readonly #options: SubscriberOptions;
  readonly #stopped = new AbortController();
  #connection: Connection | null = null;
  #isSubscribed = false;
  #wasSubscribed = false;
  #refused = false;
  #kept: Promise<void> = Promise.resolve();

  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }

  /** Whether the broker said no, so that waiting for a subscription is of no use. */
  get isRefused(): boolean {
    return this.#refused;
  }

  start(): void {
    this.#kept = keepConnected(
      () => this.#open(),
      {
        onUp: (connection) => this.#subscribe(connection),
        onDown: (reason) => {
          this.#connection = null;
          this.#isSubscribed = false;
          this.#refused = reason.code === 'BROKER_REFUSED';
          this.#options.onChange?.();
          this.#options.onLost?.(reason);
        },
      },
      this.#stopped.signal,
    );
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    const connection = this.#connection;
    this.#connection = null;
    this.#isSubscribed = false;
    await connection?.close();
    await this.#kept;
  }

  #open(): Promise<Connection> {
    const { endpoint, device, onResult } = this.#options;
    return Connection.open(endpoint, {
      clientId: `${endpoint.clientId ?? `spikescope-${device}`}-display`,
      sessionExpiry: SESSION_EXPIRY,
      // Not at the first connect: what an earlier run has left behind is not this one's to show.
      resume: this.#wasSubscribed,
      onMessage: ({ payload }) => {
        this.#connection?.served();
        onResult(payload.toString('utf8'));
      },
      signal: this.#stopped.signal,
    });
  }

  #subscribe(connection: Connection): void {
    this.#connection = connection;
    const { device, topics = topicsOf(device) } = this.#options;
    connection.subscribe(topics.result).then(
      () => {
        if (this.#stopped.signal.aborted) return;
        this.#wasSubscribed = true;
        this.#refused = false;
        this.#isSubscribed = true;
        this.#options.onChange?.();
      },
      // What the subscription failed of is the reason for which the connection ends.
      (reason: unknown) => connection.destroy(reason instanceof SpikescopeError ? reason : undefined),
    );
  }
}
