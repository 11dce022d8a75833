import { type IClientOptions, type MqttClient, connect as mqttConnect } from 'mqtt';
import { SpikescopeError } from '../errors.ts';
import { connectionFault, faultOfCode, isVersionRefusal } from './connection-fault.ts';
import { addressOf, type Endpoint } from './endpoint.ts';

export interface ConnectionOptions {
  readonly clientId: string;
  readonly will?: { readonly topic: string; readonly payload: string };
  /** MQTT 5: seconds that the broker keeps the session after a lost connection. Default 0. */
  readonly sessionExpiry?: number;
  /** Whether a session that the broker kept is taken up again. Default false. */
  readonly resume?: boolean;
  readonly onMessage?: (topic: string, payload: Buffer) => void;
  /** Gives the attempt up. */
  readonly signal?: AbortSignal;
}

export interface Publication {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  /** MQTT 5 only. */
  readonly userProperties?: Readonly<Record<string, string>>;
}

const CONNECT_TIMEOUT = 10_000;
const ACKNOWLEDGE_TIMEOUT = 10_000;
const CLOSE_TIMEOUT = 2_000;
const KEEPALIVE_SECONDS = 30;

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

  private constructor(client: MqttClient, endpoint: Endpoint, protocolVersion: 4 | 5) {
    this.#client = client;
    this.#address = addressOf(endpoint);
    this.protocolVersion = protocolVersion;
    let reason: SpikescopeError | undefined;
    client.on('disconnect', ({ reasonCode }) => {
      reason = faultOfCode(reasonCode ?? 0, this.#address);
    });
    client.on('error', (cause) => {
      reason ??= connectionFault(cause, this.#address);
    });
    this.closed = new Promise((resolve) => {
      client.once('close', () => {
        const fault = reason ?? connectionFault(new Error('the connection was closed'), this.#address);
        for (const fail of [...this.#pending]) fail(fault);
        resolve(fault);
      });
    });
  }

  /**
   * Connects, with MQTT 5 and where the broker has no such version with 3.1.1.
   * @throws SpikescopeError `BROKER_UNREACHABLE`, `BROKER_REFUSED`, `BROKER_UNTRUSTED`
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
    if (onMessage) client.on('message', onMessage);
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
      client.once('connect', () => {
        client.off('close', failClosed);
        signal?.removeEventListener('abort', abort);
        resolve(new Connection(client, endpoint, version));
      });
    });
  }

  /**
   * Publishes at QoS 1; resolved when the broker has acknowledged.
   * @throws SpikescopeError `BROKER_LOST` when the connection ends first, `BROKER_REFUSED`, and `BROKER_SILENT`,
   *   which ends the connection too
   */
  publish({ topic, payload, retain, userProperties = {} }: Publication): Promise<void> {
    const properties = {
      contentType: 'application/json',
      payloadFormatIndicator: true,
      userProperties: { ...userProperties },
    };
    return this.#settled('acknowledge a message', (done) => {
      this.#client.publish(topic, payload, { qos: 1, retain, properties }, (error) => done(error));
    });
  }

  /** Subscribes at QoS 1. @throws SpikescopeError as `publish` */
  subscribe(topic: string): Promise<void> {
    return this.#settled('grant a subscription', (done) => {
      this.#client.subscribe(topic, { qos: 1 }, (error) => done(error));
    });
  }

  /** Ends the connection in good order, so that the broker drops the last will. */
  async close(): Promise<void> {
    const end = this.protocolVersion === 5 ? { properties: { sessionExpiryInterval: 0 } } : {};
    const timer = setTimeout(() => this.destroy(), CLOSE_TIMEOUT);
    await this.#client.endAsync(false, end).catch(() => this.destroy());
    clearTimeout(timer);
  }

  /** Drops the connection at once; the broker then publishes the last will. */
  destroy(): void {
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
        fail(silence(what, this.#address));
        this.destroy();
      }, ACKNOWLEDGE_TIMEOUT);
      this.#pending.add(fail);
      start((error) => {
        if (error) return fail(connectionFault(error, this.#address));
        finish();
        resolve();
      });
    });
  }
}

function silence(what: string, address: string): SpikescopeError {
  return new SpikescopeError('BROKER_SILENT', `The broker does not ${what}`, {
    field: address,
    expected: `an answer within ${ACKNOWLEDGE_TIMEOUT / 1000} s`,
    received: 'none',
    remedy: 'check the broker and the network',
  });
}

function clientOptions(endpoint: Endpoint, options: ConnectionOptions, version: 4 | 5): IClientOptions {
  const { protocol, host, port, username, password, tls } = endpoint;
  const { clientId, will, sessionExpiry = 0, resume = false } = options;
  return {
    protocol,
    host,
    port,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...tls,
    rejectUnauthorized: true,
    clientId,
    protocolVersion: version,
    // A 3.1.1 session has no expiry: the broker would keep it for ever.
    clean: version === 4 || !resume,
    ...(version === 5 && { properties: { sessionExpiryInterval: sessionExpiry } }),
    ...(will && {
      will: {
        topic: will.topic,
        payload: Buffer.from(will.payload),
        qos: 1,
        retain: true,
        ...(version === 5 && {
          properties: { contentType: 'application/json', payloadFormatIndicator: true },
        }),
      },
    }),
    keepalive: KEEPALIVE_SECONDS,
    connectTimeout: CONNECT_TIMEOUT,
    reconnectPeriod: 0,
    resubscribe: false,
  };
}
