import { SpikescopeError } from '../errors.ts';
import { type ModelInUse, modelAnnouncementOf, type Status, statusOf } from './announcements.ts';
import { Connection } from './connection.ts';
import type { Endpoint } from './endpoint.ts';
import { keepConnected } from './link.ts';
import { RESULT_SCHEMA } from './result.ts';
import { type Topics, topicsOf } from './topics.ts';

export interface TelehealthOptions {
  readonly endpoint: Endpoint;
  /** As `deviceIdSchema` admits it. */
  readonly device: string;
  readonly model: ModelInUse;
  /** Called when the device has come online. */
  readonly onOnline?: () => void;
  /** Called when no connection could be made, or it was lost; attempts go on. */
  readonly onOffline?: (reason: SpikescopeError) => void;
}

/**
 * The device on MQTT: says that it is there (retained `online` at every connect, last will `offline`, `stopped` at
 * the end), which model it runs, and sends results. Reconnects for ever; remembers no message.
 */
export class TelehealthClient {
  readonly topics: Topics;
  readonly #options: TelehealthOptions;
  readonly #stopped = new AbortController();
  #connection: Connection | null = null;
  #kept: Promise<void> = Promise.resolve();
  readonly #waiting = new Set<() => void>();

  constructor(options: TelehealthOptions) {
    this.#options = options;
    this.topics = topicsOf(options.device);
  }

  get isOnline(): boolean {
    return this.#connection !== null;
  }

  /** Begins to connect, and to connect again whenever the connection is lost. */
  start(): void {
    this.#kept = keepConnected(
      () => this.#open(),
      {
        onUp: (connection) => this.#announce(connection),
        onDown: (reason) => {
          this.#connection = null;
          this.#options.onOffline?.(reason);
        },
      },
      this.#stopped.signal,
    );
  }

  /** Resolves with true once the device is online, or with false after `milliseconds`. */
  async waitOnline(milliseconds: number): Promise<boolean> {
    if (this.#connection !== null) return true;
    return new Promise((resolve) => {
      const finish = (online: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(arrived);
        resolve(online);
      };
      const arrived = (): void => finish(true);
      const timer = setTimeout(() => finish(false), milliseconds);
      this.#waiting.add(arrived);
    });
  }

  /**
   * Sends one result; resolved when the broker has acknowledged.
   * @param payload JSON of `resultSchema`
   * @throws SpikescopeError `BROKER_LOST` while offline and as `Connection.publish`
   */
  async publishResult(payload: string): Promise<void> {
    if (this.#connection === null) {
      throw new SpikescopeError('BROKER_LOST', 'There is no connection to the broker');
    }
    await this.#send(this.#connection, this.topics.result, payload, RESULT_SCHEMA, false);
  }

  /** Says `stopped` where there is a connection, and ends it in good order. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    const connection = this.#connection;
    this.#connection = null;
    if (connection !== null) {
      await this.#sendStatus(connection, 'stopped').catch(() => {});
      await connection.close();
    }
    await this.#kept;
  }

  #open(): Promise<Connection> {
    const { endpoint, device } = this.#options;
    return Connection.open(endpoint, {
      // The same at every start: a broker then ends what it still holds of an earlier connection, and its last
      // will, before it admits this one; under a new name that will could come later and overwrite `online`.
      clientId: `spikescope-${device}`,
      will: { topic: this.topics.status, payload: JSON.stringify(statusOf(device, 'offline')) },
      signal: this.#stopped.signal,
    });
  }

  async #announce(connection: Connection): Promise<void> {
    const { device, model } = this.#options;
    const announcement = modelAnnouncementOf(device, model);
    await this.#sendStatus(connection, 'online');
    await this.#send(connection, this.topics.model, JSON.stringify(announcement), announcement.schema, true);
    if (this.#stopped.signal.aborted) return connection.close();
    this.#connection = connection;
    for (const arrived of [...this.#waiting]) arrived();
    this.#options.onOnline?.();
  }

  async #sendStatus(connection: Connection, status: Status['status']): Promise<void> {
    const payload = statusOf(this.#options.device, status, new Date());
    await this.#send(connection, this.topics.status, JSON.stringify(payload), payload.schema, true);
  }

  #send(
    connection: Connection,
    topic: string,
    payload: string,
    schema: string,
    retain: boolean,
  ): Promise<void> {
    const { device, model } = this.#options;
    const userProperties = { schema, device, model: `${model.model.name}@${model.model.version}` };
    return connection.publish({ topic, payload, retain, userProperties });
  }
}
