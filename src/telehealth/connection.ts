import { type MqttClient, connect as mqttConnect } from 'mqtt';
import pLimit, { type LimitFunction } from 'p-limit';
import type { SpikescopeError } from '../errors.ts';
import {
  connectionFault,
  faultOfCode,
  hungUp,
  isAnswer,
  isCut,
  refusal,
  silence,
  unfit,
} from './connection-fault.ts';
import { type Offer, offerOf } from './connection-offer.ts';
import { type ConnectionOptions, clientOptions } from './connection-options.ts';
import { addressOf, type Endpoint } from './endpoint.ts';
import { fitting } from './packet-size.ts';
import type { Publication } from './publication.ts';
import type { Ended } from './takeover.ts';

export type { Publication } from './publication.ts';

const ACKNOWLEDGE_TIMEOUT = 10_000;
const CLOSE_TIMEOUT = 2_000;
/** Messages in flight at a time, or fewer where the broker asks for fewer. */
const WINDOW = 16;

type Attempt =
  | { readonly connection: Connection }
  /** `mayBeVersion`: another version of MQTT may do. */
  | { readonly fault: SpikescopeError; readonly mayBeVersion: boolean };

/**
 * One connection to a broker, from CONNACK to its end; it never comes back by itself. mqtt.js would queue messages
 * in memory, resend them after reconnecting, and never settle those in flight when the link drops: here each promise
 * settles with its connection, and what to send again is the caller's knowledge.
 */
export class Connection {
  /** Resolved, with the reason, when the connection has ended for whatever cause. */
  readonly ended: Promise<Ended>;
  readonly protocolVersion: 4 | 5;
  readonly #client: MqttClient;
  readonly #address: string;
  readonly #pending = new Set<(reason: SpikescopeError) => void>();
  readonly #window: LimitFunction;
  readonly #patience: number;
  readonly #offer: Offer;
  readonly #keepsRetained: boolean;
  #hasAnswered = false;
  #isUseful = false;
  /** Whether mqtt.js gave up what waited for an answer. */
  #wasCutShort = false;
  #reason: SpikescopeError | undefined;

  private constructor(client: MqttClient, endpoint: Endpoint, options: ConnectionOptions, offer: Offer) {
    this.#client = client;
    this.#address = addressOf(endpoint);
    this.#patience = options.patience ?? ACKNOWLEDGE_TIMEOUT;
    this.#window = pLimit(Math.min(WINDOW, offer.receiveMaximum));
    this.protocolVersion = offer.protocolVersion;
    this.#offer = offer;
    this.#keepsRetained = endpoint.retain !== false;
    client.on('disconnect', ({ reasonCode }) => {
      this.#reason = faultOfCode(reasonCode ?? 0, this.#address);
    });
    client.on('error', (cause) => {
      this.#reason ??= connectionFault(cause, this.#address);
      // After a breach of the protocol nothing that the broker says can be relied on.
      this.destroy();
    });
    this.ended = this.#untilEnded(performance.now());
  }

  /** Whether it has done what it is for: see `keepConnected`. */
  get isUseful(): boolean {
    return this.#isUseful;
  }

  /** Says that it has done what it is for. */
  served(): void {
    this.#isUseful = true;
  }

  /**
   * Connects, with MQTT 5 and where the broker has no such version with 3.1.1. Brokers say that they have none by a reason
   * code, by hanging up, or not at all.
   * @throws SpikescopeError `BROKER_UNREACHABLE`, `BROKER_REFUSED`, `BROKER_UNTRUSTED`, `BROKER_UNFIT`, `BROKER_LOST`
   */
  static async open(endpoint: Endpoint, options: ConnectionOptions): Promise<Connection> {
    const [version, ...older] = endpoint.versions;
    const attempt = await Connection.#attempt(endpoint, options, version);
    if ('connection' in attempt) return attempt.connection;
    const { fault, mayBeVersion } = attempt;
    if (older.length === 0 || !mayBeVersion || options.signal?.aborted) throw fault;
    return Connection.open({ ...endpoint, versions: older }, options);
  }

  static #attempt(endpoint: Endpoint, options: ConnectionOptions, version: 4 | 5): Promise<Attempt> {
    const address = addressOf(endpoint);
    const client = mqttConnect(clientOptions(endpoint, options, version));
    const { onMessage, signal } = options;
    if (onMessage) client.on('message', (topic, payload, packet) => onMessage({ topic, payload, packet }));
    return new Promise((resolve) => {
      const end = (attempt: Attempt): void => {
        signal?.removeEventListener('abort', abort);
        client.off('close', failClosed);
        resolve(attempt);
        if (!('connection' in attempt)) client.end(true);
      };
      const fail = (cause: Error): void => {
        const fault = isCut(cause) ? hungUp(address, cause) : connectionFault(cause, address);
        const isSilent = cause.message === 'connack timeout';
        end({ fault, mayBeVersion: isCut(cause) || isSilent || fault.code === 'BROKER_VERSION' });
      };
      const failClosed = (): void => end({ fault: hungUp(address), mayBeVersion: true });
      const abort = (): void => fail(new Error('stopped while connecting'));
      // Stays: an error event without a listener would end the process.
      client.on('error', fail);
      client.once('close', failClosed);
      signal?.addEventListener('abort', abort);
      client.once('connect', (connack) => {
        try {
          const offer = offerOf(connack, version, endpoint);
          end({ connection: new Connection(client, endpoint, options, offer) });
        } catch (cause) {
          fail(cause instanceof Error ? cause : new Error(String(cause)));
        }
      });
    });
  }

  /**
   * Publishes at QoS 1; resolved when the broker has acknowledged.
   * @throws SpikescopeError `BROKER_LOST` when the connection ends first, `BROKER_REFUSED`, `BROKER_UNFIT` where the broker
   *   takes no message as large as this one, and `BROKER_SILENT`, which ends the connection too
   * @param onSent called when the message is on its way, after those in flight
   */
  publish(publication: Publication, onSent: () => void = () => {}): Promise<void> {
    const { maximumPacketSize } = this.#offer;
    const fits = fitting(publication, maximumPacketSize);
    if (fits === null) {
      return Promise.reject(unfit('size', this.#address, `packets of ${maximumPacketSize} bytes at most`));
    }
    const { topic, payload, userProperties = {}, correlationData } = fits;
    const retain = publication.retain && this.#keepsRetained;
    const properties = {
      contentType: publication.contentType ?? 'application/json',
      payloadFormatIndicator: true,
      // mqtt-packet writes nothing at all, and says nothing, for an empty list of user properties.
      ...(Object.keys(userProperties).length > 0 && { userProperties: { ...userProperties } }),
      ...(correlationData && { correlationData }),
    };
    return this.#window(() =>
      this.#settled('acknowledge a message', (done) => {
        this.#client.publish(topic, payload, { qos: 1, retain, properties }, (error) => done(error));
        onSent();
      }),
    );
  }

  /**
   * Subscribes at QoS 1, without the messages that the broker has retained unless they are asked for.
   * @throws SpikescopeError as `publish`
   */
  subscribe(
    topic: string,
    onSent: () => void = () => {},
    { retained = false }: { readonly retained?: boolean } = {},
  ): Promise<void> {
    return this.#settled('grant a subscription', (done) => {
      this.#client.subscribe(topic, { qos: 1, rh: retained ? 0 : 2 }, (error) => done(error));
      onSent();
    });
  }

  /** Ends the connection in good order, so that the broker drops the last will; at once where that takes long. */
  async close(): Promise<void> {
    const end = this.protocolVersion === 5 ? { properties: { sessionExpiryInterval: 0 } } : {};
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_TIMEOUT);
    });
    // mqtt.js never calls back where the broker hangs up at the same moment.
    await Promise.race([this.#client.endAsync(false, end).catch(() => {}), this.ended, late]);
    clearTimeout(timer);
    this.destroy();
  }

  /** Drops the connection at once; the broker then publishes the last will. @param reason what `closed` says */
  destroy(reason?: SpikescopeError): void {
    this.#reason ??= reason;
    this.#client.end(true);
    this.#client.stream.destroy();
  }

  #untilEnded(since: number): Promise<Ended> {
    return new Promise((resolve) => {
      this.#client.once('close', () => {
        const reason = this.#reason ?? connectionFault(new Error('the connection was closed'), this.#address);
        const wasIdle = this.#pending.size === 0 && !this.#wasCutShort;
        for (const fail of [...this.#pending]) fail(reason);
        const lasted = performance.now() - since;
        resolve({ reason, hasAnswered: this.#hasAnswered, wasIdle, lasted });
      });
    });
  }

  #settled(what: string, start: (done: (error?: Error | null) => void) => void): Promise<void> {
    if (!this.#client.connected) {
      return Promise.reject(connectionFault(new Error('the connection was closed'), this.#address));
    }
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#pending.delete(fail);
      };
      const fail = (reason: SpikescopeError): void => {
        finish();
        reject(reason);
      };
      const timer = setTimeout(() => {
        const reason = silence(what, this.#address, this.#patience);
        fail(reason);
        this.destroy(reason);
      }, this.#patience);
      this.#pending.add(fail);
      start((error) => {
        this.#hasAnswered ||= !error || isAnswer(error);
        if (isAnswer(error)) return fail(refusal(error, this.#address));
        if (error) {
          this.#wasCutShort = true;
          return fail(this.#reason ?? connectionFault(error, this.#address));
        }
        finish();
        resolve();
      });
    });
  }
}
