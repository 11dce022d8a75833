import { SpikescopeError } from '../errors.ts';
import { type ModelInUse, modelAnnouncementOf, type Status, statusOf } from './announcements.ts';
import { Backoff } from './backoff.ts';
import { Connection, type Publication } from './connection.ts';
import type { Incoming } from './connection-options.ts';
import { type Discovery, discoveryOf } from './discovery.ts';
import type { Endpoint } from './endpoint.ts';
import { keepConnected } from './link.ts';
import { type Topics, topicsOf } from './topics.ts';

export interface TelehealthOptions {
  readonly endpoint: Endpoint;
  /** As `deviceIdSchema` admits it. */
  readonly device: string;
  readonly model: ModelInUse;
  /** Called for each message below the command topic; without it, the device listens to nothing. */
  readonly onCommand?: (message: Incoming) => void;
  /** Announces the device to Home Assistant. */
  readonly discovery?: Discovery;
  /** Called when the device has come online. */
  readonly onOnline?: () => void;
  /** Called when no connection could be made, or it was lost; attempts go on. */
  readonly onOffline?: (reason: SpikescopeError) => void;
  /** Called when the broker does not take an announcement or grant the subscription to commands. */
  readonly onRefused?: (reason: SpikescopeError) => void;
  /** Milliseconds without an answer after which the broker counts as silent. */
  readonly patience?: number;
  /** Pauses between attempts to connect. */
  readonly backoff?: Backoff;
}

const STOP_PATIENCE = 2_000;

/**
 * The device on MQTT: says that it is there (retained `online` at every connect, last will `offline`, `stopped` at
 * the end), which model it runs, sends messages and hears commands. Reconnects for ever; remembers no message.
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
        onUp: (connection) => this.#comeOnline(connection),
        onDown: (reason) => {
          this.#connection = null;
          this.#options.onOffline?.(reason);
        },
      },
      this.#stopped.signal,
      this.#options.backoff ?? new Backoff(),
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
   * Sends one message; resolved when the broker has acknowledged.
   * @throws SpikescopeError `BROKER_LOST` while offline and as `Connection.publish`
   */
  async publish(publication: Publication): Promise<void> {
    if (this.#connection === null) {
      throw new SpikescopeError('BROKER_LOST', 'There is no connection to the broker');
    }
    await this.#connection.publish(publication);
  }

  /** Says `stopped` where there is a connection, and ends it in good order; a silent broker is not waited for. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    const connection = this.#connection;
    this.#connection = null;
    if (connection !== null) {
      const timer = setTimeout(() => connection.destroy(), STOP_PATIENCE);
      await connection.publish(this.#status('stopped')).catch(() => {});
      clearTimeout(timer);
      await connection.close();
    }
    await this.#kept;
  }

  #open(): Promise<Connection> {
    const { endpoint, device, onCommand, patience } = this.#options;
    const offline = statusOf(device, 'offline');
    return Connection.open(endpoint, {
      // The same at every start: a broker then ends what it still holds of an earlier connection, and its last
      // will, before it admits this one; under a new name that will could come later and overwrite `online`.
      clientId: `spikescope-${device}`,
      will: {
        topic: this.topics.status,
        payload: JSON.stringify(offline),
        userProperties: this.#described(offline.schema),
      },
      signal: this.#stopped.signal,
      ...(onCommand && { onMessage: onCommand }),
      ...(patience !== undefined && { patience }),
    });
  }

  /**
   * Results may go as soon as there is a connection: that an announcement is refused or slow must not hold them up.
   * What is not acknowledged at all ends the connection, and the next one announces again.
   */
  #comeOnline(connection: Connection): void {
    const { onOnline, onRefused } = this.#options;
    const announced = [
      ...this.#announcements().map((announcement) => connection.publish(announcement)),
      ...(this.#options.onCommand ? [connection.subscribe(`${this.topics.command}+`)] : []),
    ];
    for (const one of announced) {
      one.catch((reason: unknown) => {
        if (reason instanceof SpikescopeError && this.#connection === connection) onRefused?.(reason);
      });
    }
    this.#connection = connection;
    for (const arrived of [...this.#waiting]) arrived();
    onOnline?.();
  }

  #announcements(): Publication[] {
    const { device, model, discovery } = this.#options;
    const announcement = modelAnnouncementOf(device, model);
    return [
      this.#status('online'),
      {
        topic: this.topics.model,
        payload: JSON.stringify(announcement),
        retain: true,
        userProperties: this.#described(announcement.schema),
      },
      ...(discovery ? [discoveryOf(discovery, device, model, this.topics)] : []),
    ];
  }

  #status(status: Status['status']): Publication {
    const document = statusOf(this.#options.device, status, new Date());
    return {
      topic: this.topics.status,
      payload: JSON.stringify(document),
      retain: true,
      userProperties: this.#described(document.schema),
    };
  }

  #described(schema: string): Record<string, string> {
    const { device, model } = this.#options;
    return { schema, device, model: `${model.model.name}@${model.model.version}` };
  }
}
