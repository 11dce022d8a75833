import { setImmediate } from 'node:timers/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import { SpikescopeError } from '../errors.ts';
import { type ModelInUse, modelAnnouncementOf, type Status, statusOf } from './announcements.ts';
import type { Backoff } from './backoff.ts';
import type { CardState } from './card.ts';
import type { ClockState } from './clock.ts';
import { Connection, type Publication } from './connection.ts';
import { isRefusal } from './connection-fault.ts';
import type { Incoming } from './connection-options.ts';
import { type Discovery, discoveryOf } from './discovery.ts';
import type { Endpoint } from './endpoint.ts';
import { defaultPauses, keepConnected } from './link.ts';
import { Permissions } from './permissions.ts';
import { type Topics, topicsOf } from './topics.ts';
import type { UpdateAnnouncement } from './update.ts';

export interface TelehealthOptions {
  readonly endpoint: Endpoint;
  /** As `deviceIdSchema` admits it. */
  readonly device: string;
  /** Looked at whenever it is announced. */
  readonly model: ModelInUse;
  /** Default: those of `device` below the usual prefix. */
  readonly topics?: Topics;
  /** What the device knows of its clock, for its status. */
  readonly clock?: () => ClockState;
  /** How the card is, for its status; null where none is in use. */
  readonly card?: () => CardState | null;
  /** What is told of updates, at each connect and when it changes; null where there is nothing to tell. */
  readonly update?: () => UpdateAnnouncement | null;
  /**
   * Resolved when the results that waited for a connection have had their turn on it: all that is optional comes after
   * them. Default: at once.
   */
  readonly afterResults?: () => Promise<void>;
  /** Called for each message below the command topic; without it, the device listens to nothing. */
  readonly onCommand?: (message: Incoming) => void;
  /** Announces the device to Home Assistant. */
  readonly discovery?: Discovery;
  /** Called when the device has come online. */
  readonly onOnline?: () => void;
  /** Called when no connection could be made, or it was lost; attempts go on. @param wasSteady whether it stood for long */
  readonly onOffline?: (reason: SpikescopeError, wasSteady: boolean) => void;
  /** Called once for each topic that the broker does not let this device use; it goes on without. */
  readonly onRefused?: (reason: SpikescopeError) => void;
  /** Milliseconds without an answer after which the broker counts as silent. */
  readonly patience?: number;
  /** Pauses between attempts to connect. */
  readonly backoff?: Backoff;
}

const STOP_PATIENCE = 2_000;
/** Refused attempts to connect with a last will before one without it. */
const WILL_ATTEMPTS = 2;

/** Milliseconds that an answer waits for a connection. */
const ANSWER_PATIENCE = 60_000;

/**
 * The device on MQTT: says that it is there (retained `online` at every connect, last will `offline`, `stopped` at
 * the end), which model it runs, sends messages and hears commands. Reconnects for ever; remembers no result.
 */
export class TelehealthClient {
  readonly topics: Topics;
  readonly #options: TelehealthOptions;
  readonly #stopped = new AbortController();
  #connection: Connection | null = null;
  #kept: Promise<void> = Promise.resolve();
  readonly #waiting = new Set<() => void>();
  readonly #permissions: Permissions;
  /** What is optional, on the present connection: one at a time, so that it is plain at which of them a broker hangs up. */
  #inTurn: LimitFunction = pLimit(1);
  /** Announcements that wait for a connection, by topic. */
  readonly #announced = new Map<string, Publication>();
  #failuresWithWill = 0;

  constructor(options: TelehealthOptions) {
    this.#options = options;
    this.topics = options.topics ?? topicsOf(options.device);
    this.#permissions = new Permissions({ onGivenUp: (fault) => options.onRefused?.(fault) });
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
        onDown: (reason, wasSteady) => {
          this.#connection = null;
          this.#options.onOffline?.(reason, wasSteady);
        },
      },
      this.#stopped.signal,
      { ...defaultPauses(), ...(this.#options.backoff && { lost: this.#options.backoff }) },
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
   * Sends one message that matters, a result; resolved when the broker has acknowledged.
   * @throws SpikescopeError `BROKER_LOST` while offline and as `Connection.publish`
   */
  async publish(publication: Publication): Promise<void> {
    const connection = this.#connection;
    if (connection === null) {
      throw new SpikescopeError('BROKER_LOST', 'There is no connection to the broker');
    }
    await connection.publish(publication);
    connection.served();
  }

  /** Whether the broker has shown that it does not let this device use a topic. */
  isGivenUp(topic: string): boolean {
    return this.#permissions.isGivenUp(topic);
  }

  /** Sends one message that results can do without. @returns whether the broker has acknowledged it; never rejects */
  async attempt(publication: Publication, permission: string = publication.topic): Promise<boolean> {
    const connection = this.#connection;
    if (connection === null) return false;
    return this.#try(permission, connection, (onSent) => connection.publish(publication, onSent));
  }

  /** Sends one message after results, now or with the next connection; the last one for its topic. It is not waited for. */
  announce(publication: Publication): void {
    if (this.#connection === null) this.#announced.set(publication.topic, publication);
    else this.#later(this.#connection, () => this.attempt(publication));
  }

  /**
   * Sends an answer where it was asked for, and to `fallback` where the broker does not let it go there; waits for the next
   * connection where the first attempt has cost this one. Never rejects.
   * @param permission what the broker's consent to the first topic holds for
   */
  async answer(publication: Publication, fallback: string, permission: string): Promise<void> {
    if (await this.attempt(publication, permission)) return;
    if (publication.topic === fallback || this.#stopped.signal.aborted) return;
    // A connection that has just ended is not the one that is waited for.
    await setImmediate();
    if (await this.waitOnline(ANSWER_PATIENCE)) await this.attempt({ ...publication, topic: fallback });
  }

  /** Says anew that the device is online, after what is said of it has changed. */
  refreshStatus(): void {
    if (this.#connection !== null) void this.attempt(this.#status('online'));
  }

  /** Says anew which model runs on what, after that has changed. */
  refreshModel(): void {
    const connection = this.#connection;
    if (connection === null) return;
    const [model] = this.#announcements();
    this.#later(connection, () => this.attempt(model));
  }

  /** Says anew what there is to tell of updates, after that has changed. */
  refreshUpdate(): void {
    const connection = this.#connection;
    const update = this.#update();
    if (connection !== null && update !== null) this.#later(connection, () => this.attempt(update));
  }

  /** Says `stopped` where there is a connection, and ends it in good order; a silent broker is not waited for. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    const connection = this.#connection;
    this.#connection = null;
    if (connection !== null) {
      const timer = setTimeout(() => connection.destroy(), STOP_PATIENCE);
      if (!this.isGivenUp(this.topics.status)) {
        await connection.publish(this.#status('stopped')).catch(() => {});
      }
      clearTimeout(timer);
      await connection.close();
    }
    await this.#kept;
  }

  async #open(): Promise<Connection> {
    const { endpoint, device, onCommand, patience } = this.#options;
    // A broker that does not allow the will's topic turns the whole connection away: now and then it goes without.
    const hasWill = this.#failuresWithWill < WILL_ATTEMPTS;
    try {
      const connection = await Connection.open(endpoint, {
        // The same at every start: a broker then ends what it still holds of an earlier connection, and its last
        // will, before it admits this one; under a new name that will could come later and overwrite `online`.
        clientId: endpoint.clientId ?? `spikescope-${device}`,
        ...(hasWill && { will: this.#will() }),
        signal: this.#stopped.signal,
        ...(onCommand && { onMessage: onCommand }),
        ...(patience !== undefined && { patience }),
      });
      this.#failuresWithWill = hasWill ? 0 : WILL_ATTEMPTS - 1;
      return connection;
    } catch (cause) {
      const isTurnedAway =
        cause instanceof SpikescopeError && ['BROKER_REFUSED', 'BROKER_LOST'].includes(cause.code);
      this.#failuresWithWill = hasWill && isTurnedAway ? this.#failuresWithWill + 1 : 0;
      throw cause;
    }
  }

  #will() {
    const offline = statusOf(this.#options.device, 'offline');
    return {
      topic: this.topics.status,
      payload: JSON.stringify(offline),
      userProperties: this.#described(offline.schema),
    };
  }

  /**
   * Results may go as soon as there is a connection: that an announcement is refused, slow or answered by the end of the
   * connection must not hold them up. What is optional follows, one after the other.
   */
  #comeOnline(connection: Connection): void {
    const { onOnline, onCommand, afterResults } = this.#options;
    this.#connection = connection;
    this.#inTurn = pLimit(1);
    void this.attempt(this.#status('online'));
    // Asked before the results are woken, so that their turn is not over by then.
    const resultsSent = afterResults?.();
    for (const arrived of [...this.#waiting]) arrived();
    onOnline?.();
    this.#later(connection, async () => resultsSent);
    const [model, ...others] = this.#announcements();
    this.#later(connection, () => this.attempt(model));
    if (onCommand) {
      const topic = `${this.topics.command}+`;
      this.#later(connection, () =>
        this.#try(topic, connection, (onSent) => connection.subscribe(topic, onSent)),
      );
    }
    for (const other of [...others, ...this.#announced.values()]) {
      this.#later(connection, () => this.attempt(other));
    }
    this.#announced.clear();
  }

  #later(connection: Connection, work: () => Promise<unknown>): void {
    void this.#inTurn(async () => {
      if (this.#connection === connection) await work();
    });
  }

  /** @param work tells when the broker has what it is to answer, so that nothing else is blamed for the end */
  async #try(
    permission: string,
    connection: Connection,
    work: (onSent: () => void) => Promise<void>,
  ): Promise<boolean> {
    if (this.#permissions.isGivenUp(permission)) return false;
    let wasSent = false;
    try {
      await work(() => {
        wasSent = true;
      });
    } catch (reason) {
      if (!(reason instanceof SpikescopeError)) throw reason;
      if (this.#stopped.signal.aborted) return false;
      if (isRefusal(reason) || reason.code === 'BROKER_UNFIT') this.#permissions.refused(permission, reason);
      else if (wasSent && !this.#isAccident(permission, reason))
        this.#permissions.dropped(permission, reason, connection);
      return false;
    }
    this.#permissions.granted(permission);
    return true;
  }

  /** Silence of a link says little of the first message on it, which is the status. */
  #isAccident(permission: string, { code }: SpikescopeError): boolean {
    return permission === this.topics.status && code === 'BROKER_SILENT';
  }

  #announcements(): [Publication, ...Publication[]] {
    const { device, model, discovery } = this.#options;
    const announcement = modelAnnouncementOf(device, model);
    return [
      {
        topic: this.topics.model,
        payload: JSON.stringify(announcement),
        retain: true,
        userProperties: this.#described(announcement.schema),
      },
      ...(discovery ? [discoveryOf(discovery, device, model, this.topics)] : []),
      ...[this.#update()].filter((update) => update !== null),
    ];
  }

  #update(): Publication | null {
    const document = this.#options.update?.() ?? null;
    return (
      document && {
        topic: this.topics.update,
        payload: JSON.stringify(document),
        retain: true,
        userProperties: this.#described(document.schema),
      }
    );
  }

  #status(status: Status['status']): Publication {
    const { device, clock, card } = this.#options;
    const document = statusOf(device, status, new Date(), {
      clock: clock?.() ?? null,
      card: card?.() ?? null,
    });
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
