import { type MqttClient, connect as mqttConnect } from 'mqtt';
import pLimit, { type LimitFunction } from 'p-limit';
import type { SpikescopeError } from '../errors.ts';
import { connectionFault, faultOfCode, isVersionRefusal, silence } from './connection-fault.ts';
import { type Offer, offerOf } from './connection-offer.ts';
import { type ConnectionOptions, clientOptions } from './connection-options.ts';
import { addressOf, type Endpoint } from './endpoint.ts';

export interface Publication {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  /** Default `application/json`. MQTT 5 only, as all that follows. */
  readonly contentType?: string;
  readonly userProperties?: Readonly<Record<string, string>>;
  readonly correlationData?: Buffer;
}

const ACKNOWLEDGE_TIMEOUT = 10_000;
const CLOSE_TIMEOUT = 2_000;
/** Messages in flight at a time, or fewer where the broker asks for fewer. */
const WINDOW = 16;

/**
 * One connection to a broker, from CONNACK to its end; it never comes back by itself. mqtt.js would queue messages
 * in memory, resend them after reconnecting, and never settle those in flight when the link drops: here each promise
 * settles with its connection, and what to send again is the caller's knowledge.
 */
export class Connection {
  /** Resolved, with the reason, when the connection has ended for whatever cause. */
  readonly closed: Promise<SpikescopeError>;
  readonly protocolVersion: 4 | 5;
  readonly #client: MqttClient;
  readonly #address: string;
  readonly #pending = new Set<(reason: SpikescopeError) => void>();
  readonly #window: LimitFunction;
  readonly #patience: number;
  #hasAnswered = false;
  #reason: SpikescopeError | undefined;

  private constructor(client: MqttClient, endpoint: Endpoint, options: ConnectionOptions, offer: Offer) {
    this.#client = client;
    this.#address = addressOf(endpoint);
    this.#patience = options.patience ?? ACKNOWLEDGE_TIMEOUT;
    this.#window = pLimit(Math.min(WINDOW, offer.receiveMaximum));
    this.protocolVersion = offer.protocolVersion;
    client.on('disconnect', ({ reasonCode }) => {
      this.#reason = faultOfCode(reasonCode ?? 0, this.#address);
    });
    client.on('error', (cause) => {
      this.#reason ??= connectionFault(cause, this.#address);
      // After a breach of the protocol nothing that the broker says can be relied on.
      this.destroy();
    });
    this.closed = new Promise((resolve) => {
      client.once('close', () => {
        const fault = this.#reason ?? connectionFault(new Error('the connection was closed'), this.#address);
        for (const fail of [...this.#pending]) fail(fault);
        resolve(fault);
      });
    });
  }

  /** Whether the broker has answered anything since it let us in. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /**
   * Connects, with MQTT 5 and where the broker has no such version with 3.1.1.
   * @throws SpikescopeError `BROKER_UNREACHABLE`, `BROKER_REFUSED`, `BROKER_UNTRUSTED`, `BROKER_UNFIT`
   */
  static async open(endpoint: Endpoint, options: ConnectionOptions): Promise<Connection> {
    const [version, ...older] = endpoint.versions;
    try {
      return await Connection.#attempt(endpoint, options, version);
    } catch (cause) {
      const fault = connectionFault(cause, addressOf(endpoint));
      if (older.length === 0 || !isVersionRefusal(fault)) throw fault;
      return Connection.open({ ...endpoint, versions: older }, options);
    }
  }

  static #attempt(endpoint: Endpoint, options: ConnectionOptions, version: 4 | 5): Promise<Connection> {
    const client = mqttConnect(clientOptions(endpoint, options, version));
    const { onMessage, signal } = options;
    if (onMessage) client.on('message', (topic, payload, packet) => onMessage({ topic, payload, packet }));
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void => {
        signal?.removeEventListener('abort', abort);
        reject(connectionFault(cause, addressOf(endpoint)));
        client.end(true);
      };
      const failClosed = (): void => fail(new Error('the broker closed the connection'));
      const abort = (): void => fail(new Error('stopped while connecting'));
      // Stays: an error event without a listener would end the process.
      client.on('error', fail);
      client.once('close', failClosed);
      signal?.addEventListener('abort', abort);
      client.once('connect', (connack) => {
        client.off('close', failClosed);
        try {
          const offer = offerOf(connack, version, addressOf(endpoint));
          signal?.removeEventListener('abort', abort);
          resolve(new Connection(client, endpoint, options, offer));
        } catch (cause) {
          fail(cause instanceof Error ? cause : new Error(String(cause)));
        }
      });
    });
  }

  /**
   * Publishes at QoS 1; resolved when the broker has acknowledged.
   * @throws SpikescopeError `BROKER_LOST` when the connection ends first, `BROKER_REFUSED`, and `BROKER_SILENT`,
   *   which ends the connection too
   */
  publish(publication: Publication): Promise<void> {
    const { topic, payload, retain, userProperties = {}, correlationData } = publication;
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
      }),
    );
  }

  /** Subscribes at QoS 1, without the messages that the broker has retained. @throws SpikescopeError as `publish` */
  subscribe(topic: string): Promise<void> {
    return this.#settled('grant a subscription', (done) => {
      this.#client.subscribe(topic, { qos: 1, rh: 2 }, (error) => done(error));
    });
  }

  /** Ends the connection in good order, so that the broker drops the last will. */
  async close(): Promise<void> {
    const end = this.protocolVersion === 5 ? { properties: { sessionExpiryInterval: 0 } } : {};
    const timer = setTimeout(() => this.destroy(), CLOSE_TIMEOUT);
    await this.#client.endAsync(false, end).catch(() => this.destroy());
    clearTimeout(timer);
  }

  /** Drops the connection at once; the broker then publishes the last will. @param reason what `closed` says */
  destroy(reason?: SpikescopeError): void {
    this.#reason ??= reason;
    this.#client.end(true);
    this.#client.stream.destroy();
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
        this.#hasAnswered ||= !error;
        if (error) return fail(connectionFault(error, this.#address));
        finish();
        resolve();
      });
    });
  }
}
