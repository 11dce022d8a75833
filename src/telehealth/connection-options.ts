import type { IClientOptions, IPublishPacket } from 'mqtt';
import type { Endpoint } from './endpoint.ts';

/** A message as it came in. */
export interface Incoming {
  readonly topic: string;
  readonly payload: Buffer;
  readonly packet: Pick<IPublishPacket, 'retain' | 'properties'>;
}

export interface ConnectionOptions {
  readonly clientId: string;
  readonly will?: {
    readonly topic: string;
    readonly payload: string;
    /** MQTT 5 only. */
    readonly userProperties?: Readonly<Record<string, string>>;
  };
  /** MQTT 5: seconds that the broker keeps the session after a lost connection. Default 0. */
  readonly sessionExpiry?: number;
  /** Whether a session that the broker kept is taken up again. Default false. */
  readonly resume?: boolean;
  readonly onMessage?: (message: Incoming) => void;
  /** Gives the attempt up. */
  readonly signal?: AbortSignal;
  /** Milliseconds without an answer after which a broker counts as silent. Default 10,000. */
  readonly patience?: number;
}

const CONNECT_TIMEOUT = 10_000;
const KEEPALIVE_SECONDS = 30;
/** Bytes of the largest packet that a broker of MQTT 5 may send to us; it drops what is larger. */
const MAXIMUM_INCOMING = 65_536;

/** Options for mqtt.js: no queue, no reconnection, no session of its own, certificates always checked. */
export function clientOptions(
  endpoint: Endpoint,
  options: ConnectionOptions,
  version: 4 | 5,
): IClientOptions {
  const { protocol, host, port, path, username, password, tls, retain = true } = endpoint;
  const { clientId, will, sessionExpiry = 0, resume = false, patience = CONNECT_TIMEOUT } = options;
  return {
    protocol,
    host,
    port,
    // An address of IPv6 in the URL that mqtt.js makes of it.
    ...(path !== undefined && { path, hostname: host.includes(':') ? `[${host}]` : host }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...tls,
    rejectUnauthorized: true,
    clientId,
    protocolVersion: version,
    // A 3.1.1 session has no expiry: the broker would keep it for ever.
    clean: version === 4 || !resume,
    ...(version === 5 && {
      properties: { sessionExpiryInterval: sessionExpiry, maximumPacketSize: MAXIMUM_INCOMING },
    }),
    ...(will && { will: { ...willOf(will, version), retain } }),
    keepalive: KEEPALIVE_SECONDS,
    connectTimeout: patience,
    reconnectPeriod: 0,
    resubscribe: false,
  };
}

function willOf(
  { topic, payload, userProperties = {} }: NonNullable<ConnectionOptions['will']>,
  version: 4 | 5,
): Omit<NonNullable<IClientOptions['will']>, 'retain'> {
  const described = {
    contentType: 'application/json',
    payloadFormatIndicator: true,
    userProperties: { ...userProperties },
  };
  return {
    topic,
    payload: Buffer.from(payload),
    qos: 1,
    ...(version === 5 && { properties: described }),
  };
}
